#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "dataplane/cloud/document.h"

/// Whatever the text is, there is a cloud or at least one mistake with a sentence and a place.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto cloud = novaplane::cloud::parse(text, "fuzz.yaml");
  if (cloud) return 0;
  if (cloud.error().empty()) std::abort();
  int line = 0;
  for (const auto& mistake : cloud.error()) {
    if (mistake.kind.empty() || mistake.text.empty()) std::abort();
    if (mistake.line < 1 || mistake.line < line || mistake.column < 1) std::abort();
    line = mistake.line;
  }
  return 0;
}
