#include "dataplane/base/exception.h"

#include <cerrno>
#include <exception>
#include <new>
#include <system_error>

namespace novaplane {

Error error_of_exception(std::string step) {
  try {
    throw;
  } catch (const std::bad_alloc&) {
    return {std::move(step), ENOMEM, {}};
  } catch (const std::system_error& error) {
    return {std::move(step), error.code().value(), error.what()};
  } catch (const std::exception& error) {
    return {std::move(step), 0, error.what()};
  } catch (...) {
    return {std::move(step), 0, "an exception of an unknown type"};
  }
}

}  // namespace novaplane
