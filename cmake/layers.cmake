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

# A module is a shared object that a program loads when it needs it (dlopen). Code of layers below is not position
# independent: the few files of it that the module calls are compiled once more.
#
#   novaplane_module(store_etcd FOLDER dataplane/store/etcd FILE novaplane-etcd.so SOURCES watch.cc ...
#     SEES base store COMPILES dataplane/base/files.cc HEADERS <string> LIBRARIES etcd_api)
function(novaplane_module name)
  cmake_parse_arguments(MODULE "" "FOLDER;FILE" "SOURCES;SEES;COMPILES;LIBRARIES;HEADERS" ${ARGN})
  list(TRANSFORM MODULE_SOURCES PREPEND "${CMAKE_SOURCE_DIR}/${MODULE_FOLDER}/")
  list(TRANSFORM MODULE_COMPILES PREPEND "${CMAKE_SOURCE_DIR}/")
  add_library(${name} MODULE ${MODULE_SOURCES} ${MODULE_COMPILES})
  novaplane_room(${name} ${MODULE_FOLDER} PRIVATE)
  foreach(layer ${MODULE_SEES})
    target_include_directories(${name} PRIVATE $<TARGET_PROPERTY:${layer},INTERFACE_INCLUDE_DIRECTORIES>)
  endforeach()
  target_link_libraries(${name} PRIVATE ${MODULE_LIBRARIES})
  target_precompile_headers(${name} PRIVATE ${MODULE_HEADERS})
  target_link_options(${name} PRIVATE -Wl,--as-needed $<$<NOT:$<BOOL:${NOVAPLANE_SANITIZE}>>:-Wl,--no-undefined>)
  get_filename_component(output ${MODULE_FILE} NAME_WE)
  set_target_properties(${name} PROPERTIES PREFIX "" OUTPUT_NAME ${output} SUFFIX .so
    CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
endfunction()

# Programs of the build tree find a module beside themselves, as installed ones do in its folder.
function(novaplane_loads target module)
  if(TARGET ${module} AND TARGET ${target})
    add_dependencies(${target} ${module})
    get_target_property(folder ${target} BINARY_DIR)
    get_target_property(place ${module} BINARY_DIR)
    get_target_property(file ${module} OUTPUT_NAME)
    file(MAKE_DIRECTORY "${folder}")
    file(CREATE_LINK "${place}/${file}.so" "${folder}/${file}.so" SYMBOLIC)
  endif()
endfunction()

# What protoc and gRPC's plugin make of FOLDER/FILE, as a library; its headers are included as "FOLDER/NAME.pb.h".
function(novaplane_grpc_api name folder file)
  set(generated "${CMAKE_BINARY_DIR}/generated")
  get_filename_component(base ${file} NAME_WE)
  set(made)
  foreach(suffix pb.cc grpc.pb.cc pb.h grpc.pb.h)
    list(APPEND made "${generated}/${folder}/${base}.${suffix}")
  endforeach()
  file(MAKE_DIRECTORY "${generated}")
  add_custom_command(OUTPUT ${made} DEPENDS "${CMAKE_SOURCE_DIR}/${folder}/${file}"
    COMMAND ${PROTOC} --proto_path=${CMAKE_SOURCE_DIR} --cpp_out=${generated} --grpc_out=${generated}
      --plugin=protoc-gen-grpc=${GRPC_CPP_PLUGIN} ${CMAKE_SOURCE_DIR}/${folder}/${file} VERBATIM)
  add_library(${name} STATIC ${made})
  target_compile_options(${name} PRIVATE -w)
  target_include_directories(${name} PUBLIC "${generated}")
  target_link_libraries(${name} PUBLIC PkgConfig::GRPC)
  set_target_properties(${name} PROPERTIES POSITION_INDEPENDENT_CODE ON CXX_VISIBILITY_PRESET hidden)
endfunction()

# Lets a target see one folder of the tree under its path from the root.
function(novaplane_room target folder visibility)
  set(room "${CMAKE_BINARY_DIR}/rooms/${folder}")
  get_filename_component(parent "${room}/${folder}" DIRECTORY)
  file(MAKE_DIRECTORY "${parent}")
  file(CREATE_LINK "${CMAKE_SOURCE_DIR}/${folder}" "${room}/${folder}" SYMBOLIC)
  target_include_directories(${target} ${visibility} "${room}")
endfunction()
