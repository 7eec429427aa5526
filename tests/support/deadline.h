#pragma once

#include <chrono>

namespace novaplane::test {

/// How long anything is waited for that has to come. Deadlines of tests are about hanging, never
/// about speed: the machine may be busy with something else, and a test that passes does not wait.
/// In the virtual machine it is `patient(kHangs)`.
constexpr std::chrono::milliseconds kHangs{60'000};

}  // namespace novaplane::test
