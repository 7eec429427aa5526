#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <sstream>
#include <string>

/// Stands in the place of dnsmasq, keepalived or conntrackd (tests/support/pretended.h): takes
/// their arguments, goes to the background as they do, and serves nobody. Its configuration says
/// how it fares:
///
///   # refuse: WORDS   it does not understand it: says so when it is asked, or started
///   # fail: WORDS     it understands it, and does not start
///   # die             it ends right after its start
///
/// SIGHUP is written down in CONFIGURATION.reloads.
namespace {

std::string text_of(const std::string& file) {
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  return text.str();
}

/// What stands behind the key; none: null.
bool says(const std::string& text, const std::string& key, std::string& words) {
  const auto at = text.find("# " + key);
  if (at == std::string::npos) return false;
  const auto begin = std::min(text.size(), at + 2 + key.size());
  words = text.substr(begin, text.find('\n', begin) - begin);
  return true;
}

struct Arguments {
  std::string configuration, pid_file;
  bool only_asks = false;
};

Arguments parse(int count, char** words) {
  Arguments found;
  const auto value = [](const std::string& word, const char* option, std::string& to) {
    if (word.rfind(option, 0) == 0) to = word.substr(std::strlen(option));
  };
  for (int i = 1; i < count; ++i) {
    const std::string word = words[i];
    value(word, "--use-file=", found.configuration);
    value(word, "--conf-file=", found.configuration);
    value(word, "--pid-file=", found.pid_file);
    if (word == "-C" && i + 1 < count) found.configuration = words[i + 1];
    found.only_asks |= word == "--config-test" || word == "--test" || word == "-s";
  }
  return found;
}

int fail(const std::string& words) {
  std::fprintf(stderr, "%s\n", words.c_str());
  return 1;
}

[[noreturn]] void serve(const Arguments& arguments, const sigset_t& signals) {
  constexpr unsigned kLongestLife = 600;  // seconds: no test leaves it behind for ever
  ::alarm(kLongestLife);
  for (int number = 0; sigwait(&signals, &number) == 0 && number == SIGHUP;) {
    std::ofstream(arguments.configuration + ".reloads", std::ios::app) << "reloaded\n";
  }
  ::_exit(0);
}

}  // namespace

int main(int count, char** words) {
  const Arguments arguments = parse(count, words);
  const std::string text = text_of(arguments.configuration);
  std::string why;
  if (says(text, "refuse: ", why)) return fail(why);
  if (arguments.only_asks) return 0;
  if (says(text, "fail: ", why)) return fail(why);
  const bool dies = says(text, "die", why);
  sigset_t signals;
  sigemptyset(&signals);
  for (const int number : {SIGHUP, SIGTERM, SIGALRM}) sigaddset(&signals, number);
  sigprocmask(SIG_BLOCK, &signals, nullptr);
  const pid_t child = ::fork();
  if (child < 0) return fail("fork");
  if (child == 0 && dies) ::_exit(0);
  if (child == 0) serve(arguments, signals);
  if (!arguments.pid_file.empty()) std::ofstream(arguments.pid_file) << child << '\n';
  if (dies) ::waitpid(child, nullptr, 0);
  return 0;
}
