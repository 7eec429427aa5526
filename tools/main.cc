#include "dataplane/base/descriptor_limit.h"
#include "tools/command.h"
#include "tools/terminal.h"

int main(int argc, char** argv) {
  using namespace novaplane::tools;
  novaplane::raise_descriptor_limit();
  const auto options = parse({argv + 1, argv + argc});
  if (options) return run(*options);
  complain(options.error());
  return kUsage;
}
