#include "tools/cloud/api.h"

#include <fmt/format.h>

#include <cerrno>

#include "dataplane/cloud/document.h"
#include "tools/command.h"
#include "tools/terminal.h"
#include "tools/writer.h"

namespace novaplane::tools {
namespace {

constexpr unsigned kNotFound = 404, kGone = 410, kPreconditionFailed = 412, kUnavailable = 503;

Refused no_answer(const Options& options, const Error& error) {
  if (!options.server.empty()) return {0, error.message()};
  const std::string path = control_socket(options.run_dir);
  if (error.code == ENOENT || error.code == ECONNREFUSED) {
    return {0, fmt::format("novaplaned does not run: nothing answers at {} (start it with --store, "
                           "or say its --run-dir)",
                           path)};
  }
  if (error.code == EACCES) {
    return {0, fmt::format("you may not ask novaplaned at {}: be root, or a member of the group "
                           "novaplane or novaplane-view (who was made one logs in again)",
                           path)};
  }
  return {0, error.message()};
}

/// The sentence for a daemon whose API is not there: without a store it has none.
std::string no_store(const Options& options) {
  const auto status = daemon_status(options);
  return fmt::format("novaplaned follows {}: edit it, or start novaplaned with --store",
                     status && !status->document.empty() ? status->document : "a file");
}

bool has_no_api(const Options& options) {
  const auto status = exchange(Endpoint(options), {"GET", "/v1/status"});
  return status && status->status == kNotFound;
}

std::string with_advice(const ControlResponse& response, const Json& problem, std::string detail) {
  if (response.status == kPreconditionFailed) {
    return detail + ": somebody else has changed it; look at it again";
  }
  if (response.status == kGone) return detail + ": leave --revision out, and begin with `get`";
  if (response.status != kUnavailable) return detail;
  if (const std::string id = problem.value("change", ""); !id.empty()) {
    return fmt::format(
        "{}: it is not known whether the change was written; look with `novaplane history` before "
        "you repeat it",
        detail);
  }
  return response.retry_after.empty()
             ? detail
             : fmt::format("{} (try again in {} s)", detail, response.retry_after);
}

std::vector<Refused::Finding> findings_in(const Json& problem) {
  std::vector<Refused::Finding> findings;
  for (const Json& finding : problem.value("findings", Json::array())) {
    findings.push_back({finding.value("kind", ""), finding.value("path", ""),
                        finding.value("text", ""), finding.value("line", 0),
                        finding.value("column", 0)});
  }
  return findings;
}

/// RFC 9457, or whatever else has come.
Refused problem_in(const ControlResponse& response) {
  try {
    const Json problem = Json::parse(response.body);
    std::string detail = problem.value("detail", problem.value("title", ""));
    while (detail.ends_with('.')) detail.pop_back();
    if (detail.empty()) detail = fmt::format("novaplaned answers {}", response.status);
    return {response.status, with_advice(response, problem, std::move(detail)),
            findings_in(problem)};
  } catch (const Json::exception&) {
    return {response.status,
            fmt::format("novaplaned answers {}: {}", response.status, response.body)};
  }
}

Refused refusal_of(const Options& options, const ControlRequest& request,
                   const ControlResponse& response) {
  if (response.status == kNotFound && (request.target == "/v1/status" || has_no_api(options))) {
    return {kNotFound, no_store(options)};
  }
  return problem_in(response);
}

bool is_good(const ControlResponse& response) {
  return response.status >= 200 && response.status < 300;
}

/// Cuts what comes into lines.
class Lines {
 public:
  explicit Lines(const std::function<void(const std::string&)>& on_line) : on_line_(on_line) {}

  void add(std::string_view data) {
    rest_ += data;
    std::size_t begin = 0;
    for (auto end = rest_.find('\n'); end != std::string::npos; end = rest_.find('\n', begin)) {
      if (end != begin) on_line_(rest_.substr(begin, end - begin));
      begin = end + 1;
    }
    rest_.erase(0, begin);
  }

 private:
  const std::function<void(const std::string&)>& on_line_;
  std::string rest_;
};

}  // namespace

tl::expected<ControlResponse, Refused> ask_api(const Options& options,
                                               const ControlRequest& request) {
  auto response = exchange(Endpoint(options), request);
  if (!response) return tl::unexpected(no_answer(options, response.error()));
  if (!is_good(*response)) return tl::unexpected(refusal_of(options, request, *response));
  if (response->warning.starts_with("110")) {
    complain("warning: the store is away: this is what the host's copy of it has");
  }
  return std::move(*response);
}

tl::expected<void, Refused> follow_api(
    const Options& options, const ControlRequest& request,
    const std::function<void(const std::string& line)>& on_line) {
  Lines lines(on_line);
  bool has_begun = false;
  const auto response = exchange(Endpoint(options), request, [&](std::string_view data) {
    has_begun = true;
    lines.add(data);
  });
  if (has_begun) return {};
  if (!response) return tl::unexpected(no_answer(options, response.error()));
  return tl::unexpected(refusal_of(options, request, *response));
}

tl::expected<Json, Refused> json_in(const std::string& body) {
  return read_answer(Json(), [&body](const Json&) { return Json::parse(body); });
}

tl::expected<Json, Refused> ask_json(const Options& options, const ControlRequest& request) {
  return ask_api(options, request).and_then([](const ControlResponse& response) {
    return json_in(response.body);
  });
}

ControlRequest with_json(std::string method, std::string target, const Json& body) {
  std::string type = method == "PATCH" ? "application/merge-patch+json" : "application/json";
  return {std::move(method), std::move(target),
          body.dump(-1, ' ', false, Json::error_handler_t::replace), std::move(type)};
}

std::string revision_in(const std::string& etag) {
  const auto begin = etag.find('"');
  const auto end = etag.rfind('"');
  return begin < end ? etag.substr(begin + 1, end - begin - 1) : etag;
}

int tell(const Refused& refused, const std::string& file) {
  for (const Refused::Finding& finding : refused.findings) {
    const std::string text =
        finding.path.empty() ? finding.text : fmt::format("{}: {}", finding.path, finding.text);
    complain(file.empty() ? text
                          : cloud::Mistake{file, finding.line, finding.column, {}, text}.message());
  }
  if (refused.findings.empty()) complain(refused.sentence);
  return kFailed;
}

}  // namespace novaplane::tools
