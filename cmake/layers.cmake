# A layer is a static library that sees its own folder and those of the layers it names, and no
# other: every layer exports an include directory that holds one link to its folder, so that
# `#include "dataplane/engine/plan.h"` in a lower layer, or in a sibling, does not compile.
#
#   novaplane_layer(engine FOLDER dataplane/engine SOURCES plan.cc ... USES base netlink LIBRARIES PkgConfig::nl)
function(novaplane_layer name)
  cmake_parse_arguments(LAYER "" "FOLDER" "SOURCES;USES;LIBRARIES" ${ARGN})
  list(TRANSFORM LAYER_SOURCES PREPEND "${CMAKE_SOURCE_DIR}/${LAYER_FOLDER}/")
  add_library(${name} STATIC ${LAYER_SOURCES})
  novaplane_room(${name} ${LAYER_FOLDER} PUBLIC)
  target_link_libraries(${name} PUBLIC ${LAYER_USES} PRIVATE ${LAYER_LIBRARIES})
  if(NOT name STREQUAL "base")
    target_precompile_headers(${name} REUSE_FROM base)
  endif()
endfunction()

# Lets a target see one folder of the tree under its path from the root.
function(novaplane_room target folder visibility)
  set(room "${CMAKE_BINARY_DIR}/rooms/${folder}")
  get_filename_component(parent "${room}/${folder}" DIRECTORY)
  file(MAKE_DIRECTORY "${parent}")
  file(CREATE_LINK "${CMAKE_SOURCE_DIR}/${folder}" "${room}/${folder}" SYMBOLIC)
  target_include_directories(${target} ${visibility} "${room}")
endfunction()
