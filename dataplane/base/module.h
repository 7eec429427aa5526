#pragma once

#include <string>
#include <vector>

#include "dataplane/base/error.h"

/// What brings large libraries, and what few hosts need, is a shared object of its own, which is
/// loaded when it is asked for and at no other time.
namespace novaplane {

/// What each exports, with C's names: the version, which has to be that of the program, since
/// everything else may differ between two versions.
constexpr const char* kModuleVersion = "novaplane_module_version";
using ModuleVersion = const char* (*)();

/// Where a module is looked for: beside the program itself, as in a build tree, then where packages
/// install it.
std::vector<std::string> places_of_module(const std::string& file);

/// A function of the first module of that name that is there. It stays loaded. An error says what
/// to install: `package`.
Result<void*> function_of_module(const std::string& file, const std::string& package,
                                 const char* function);

}  // namespace novaplane
