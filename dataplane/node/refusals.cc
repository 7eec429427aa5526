#include "dataplane/node/refusals.h"

#include <sys/stat.h>

#include <tuple>

#include "dataplane/base/files.h"
#include "dataplane/engine/service_driver.h"
#include "dataplane/node/trial.h"

namespace novaplane::node {
namespace {

/// Seconds and nanoseconds; zero: there is no such file.
std::pair<time_t, long> written_at(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return {};
  return {status.st_mtim.tv_sec, status.st_mtim.tv_nsec};
}

}  // namespace

std::string refusal_in(const std::string& file, const std::string& run_dir) {
  const auto when = written_at(file);
  if (when == std::pair<time_t, long>{} || when < written_at(TrialFiles(run_dir).confirmed)) {
    return {};
  }
  const std::string text = read_whole(file).value_or("");
  const auto at = text.rfind(engine::kRefusal);
  if (at == text.npos) return {};
  return text.substr(at + engine::kRefusal.size(),
                     text.find('\n', at) - at - engine::kRefusal.size());
}

}  // namespace novaplane::node
