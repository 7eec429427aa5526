#include "tests/unit/cloud/mistakes.h"

/// What is not a document at all, or only looks like one: always a sentence, never a crash.
namespace novaplane::cloud::test {
namespace {

using namespace std::string_literals;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

TEST(OddInput, OfYaml) {
  expect_mistakes({
      {"nothing", "", {"1:1 empty-document: the document is empty"}},
      {"a comment", "# nothing\n", {"1:1 empty-document: the document is empty"}},
      {"null", "---\n~\n", {"1:1 empty-document: the document is empty"}},
      {"a list", "[a]\n", {"1:1 wrong-type: must be a map, not a list"}},
      {"a word", "hello\n", {"1:1 wrong-type: must be a map, not a single value"}},
      {"two documents",
       "no_snat: []\n---\nports: {}\n",
       {"2:1 several-documents: a second document begins here"}},
      {"anchor", "ports: &a {}\nhosts: *a\n", {"1:8 alias: anchors are not supported"}},
      {"alias in itself", "no_snat: &a [*a]\n", {"1:10 alias: anchors are not supported"}},
      {"tag", "no_snat: !!seq []\n", {"1:10 tag: the tag tag:yaml.org,2002:seq is not supported"}},
      {"open end",
       "port: {}\nports: {a: {}\n",
       {"1:1 unknown-key: port: unknown key; did you mean ports?",
        "2:9 missing: ports.a.network: is missing", "2:9 missing: ports.a.mac: is missing",
        "2:9 missing: ports.a.address: is missing",
        "3:1 syntax: did not find expected ',' or '}' while parsing a flow mapping that begins at "
        "2:8"}},
      {"end without beginning",
       "no_snat: ]\n",
       {"1:10 syntax: did not find expected node content while parsing a block node"}},
      {"a quote that does not end",
       "no_snat:\n- \"10.0.0.0/8\n",
       {"3:1 syntax: found unexpected end of stream while scanning a quoted scalar that begins at "
        "2:3"}},
      {"a value behind a value",
       "no_snat: 10.0.0.0/8: x\n",
       {"1:10 wrong-type: no_snat: must be a list, not a single value",
        "1:20 syntax: mapping values are not allowed in this context"}},
      {"another version", "%YAML 2.0\n---\n{}\n", {"1:1 syntax: found incompatible YAML document"}},
      {"merge key",
       "no_snat: []\n<<: {ports: {}}\n",
       {"2:1 unknown-key: <<: unknown key; known are hosts, networks, ports, floating_ips, "
        "port_forwards, security_groups, no_snat, force_snat, pools"}},
      {"address that begins with a colon, in brackets",
       "no_snat: [::/0]\n",
       {"1:11 syntax: a value that begins with \":\" needs quotes in [] and {}"}},
  });
}

TEST(OddInput, OfBytes) {
  expect_mistakes({
      {"NUL", "ports:\0 {}\n"s, {"1:7 encoding: control character 0x00"}},
      {"EOT", "ports: {}\n\x04\nhosts: {}\n", {"2:1 encoding: control character 0x04"}},
      {"not UTF-8", "no_snat: [\xff]\n", {"1:11 encoding: byte 0xff is not UTF-8"}},
      {"overlong", "no_snat: [\xc0\xaf]\n", {"1:11 encoding: byte 0xc0 is not UTF-8"}},
      {"surrogate", "no_snat: [\xed\xa0\x80]\n", {"1:11 encoding: byte 0xed is not UTF-8"}},
      {"cut", "no_snat: \xe2\x82", {"1:10 encoding: byte 0xe2 is not UTF-8"}},
      {"UTF-16", "\xff\xfeh\0"s, {"1:1 encoding: byte 0xff is not UTF-8"}},
      {"C1 control",
       "no_snat: [\xc2\x9b]\n",
       {"1:11 encoding: control characters are not allowed: U+009B"}},
      {"NUL at the end", "no_snat: []\n\0"s, {"2:1 encoding: control character 0x00"}},
  });
}

TEST(OddInput, OfSizes) {
  const std::string open(100000, '[');
  EXPECT_THAT(mistakes("no_snat: " + open), Contains(HasSubstr("syntax: nested too deeply")));
  const std::string huge(1 << 20, 'x');
  EXPECT_THAT(mistakes("no_snat: [" + huge + "]"),
              ElementsAre(StartsWith("1:11 bad-value: no_snat[0]: \"xxxxxxxxxx")));
  EXPECT_LT(mistakes(huge + ": 1")[0].size(), 400u);
  EXPECT_THAT(mistakes("hosts: {h1: {vm_interface: " + huge + "}}"),
              ElementsAre(StartsWith("1:28 bad-name: hosts.h1.vm_interface: \"xxxxxxxxxx")));
  EXPECT_THAT(mistakes("no_snat: |\n  " + huge + "\n"),
              ElementsAre(StartsWith("1:10 wrong-type: no_snat: must be a list")));
  for (const char* nested : {"- ", "{a: ", "? "}) {
    std::string deep;
    for (int i = 0; i < 100000; ++i) deep += nested;
    EXPECT_THAT(mistakes(deep), Contains(HasSubstr("syntax: "))) << nested;
  }
}

/// Columns are bytes and lines end where editors end them, whatever the parser takes for either.
TEST(OddInput, OfPlaces) {
  const std::string mistake =
      "unknown-key: x: unknown key; known are hosts, networks, ports, "
      "floating_ips, port_forwards, security_groups, no_snat, force_snat, pools";
  EXPECT_THAT(mistakes("x: 1\n"), ElementsAre("1:1 " + mistake));
  EXPECT_THAT(mistakes("\xef\xbb\xbfx: 1\n"), ElementsAre("1:1 " + mistake)) << "byte order mark";
  EXPECT_THAT(mistakes("no_snat: []\r\nx: 1\r\n"), ElementsAre("2:1 " + mistake));
  EXPECT_THAT(mistakes("# \xc3\xa9\xe2\x82\xac\nx: 1\n"), ElementsAre("2:1 " + mistake));
  EXPECT_THAT(mistakes("{no_snat: [], # \xe2\x80\xa8\nx: 1}\n"), ElementsAre("2:1 " + mistake))
      << "a line separator";
  EXPECT_THAT(mistakes("{hosts: {\"h\xc3\xa9\": {}}, x: 1}\n"), Contains("1:22 " + mistake));
  EXPECT_THAT(mistakes("# a\rno_snat: []\nx: 1\n"), Contains("2:1 " + mistake))
      << "a carriage return alone";
}

TEST(OddInput, OfNames) {
  EXPECT_THAT(mistakes("hosts:\n  w\xc3\xa9"
                       "b: {}\n"),
              ElementsAre(StartsWith("2:3 bad-name: hosts.w\xc3\xa9"
                                     "b: \"w\xc3\xa9"
                                     "b\" is")));
  // A terminal would obey what stands in a mistake.
  EXPECT_THAT(mistakes("hosts:\n  \"a\\e[31m\\0\": {}\n"),
              ElementsAre(StartsWith("2:3 bad-name: hosts.a\\x1b[31m\\x00: \"a\\x1b[31m\\x00\"")));
  EXPECT_THAT(mistakes("hosts:\n  ..: {}\n"), ElementsAre(StartsWith("2:3 bad-name: hosts...")));
}

TEST(OddInput, OfTabs) {
  const std::string tab = "tab: a tab in the indentation: YAML wants spaces";
  EXPECT_THAT(mistakes("\tports: {}\n"), Contains("1:1 " + tab));
  EXPECT_THAT(mistakes("hosts:\n  \th1: {a: 1}\n"), Contains("2:3 " + tab));
  EXPECT_THAT(mistakes("{\n\t\"a\": 1\n}\n"), Not(Contains(HasSubstr(tab)))) << "JSON";
  const std::string syntax =
      "syntax: found character that cannot start any token while scanning for the next token";
  EXPECT_THAT(mistakes("\tports: {}\n"), Contains("1:1 " + syntax));
  EXPECT_THAT(mistakes("hosts:\n\th1: {}\n"), Contains("2:1 " + syntax));
}

}  // namespace
}  // namespace novaplane::cloud::test
