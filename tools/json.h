#pragma once

#include <string>
#include <vector>

#include "dataplane/base/error.h"
#include "dataplane/cloud/document.h"
#include "tools/plan_view.h"
#include "tools/report.h"

/// What --json prints, and what the daemon answers. Beside cloud/ the only file that knows the
/// JSON library.
namespace novaplane::tools {

/// check: what the document has
std::string to_json(const cloud::Cloud&, const std::vector<cloud::Mistake>& hints);
std::string to_json(const std::vector<cloud::Mistake>&);
std::string to_json(const PlanView&);
std::string to_json(const Report&);

/// GET /status
struct DaemonStatus {
  int pid = 0;
  std::string document;
  std::vector<Remark> waiting;
};
Result<DaemonStatus> status_from_json(const std::string& text);
/// POST /pass
Result<Report> report_from_json(const std::string& text);

}  // namespace novaplane::tools
