#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/tools/scripted_daemon.h"

/// What the daemon cannot or does not do, as sentences.
namespace novaplane::tools {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class RefusalsTest : public CloudCommandTest {
 protected:
  void expect(const Told& told, const std::string& sentence) {
    EXPECT_EQ(told.status, kFailed);
    EXPECT_EQ(told.out, "");
    EXPECT_EQ(told.err, "novaplane: " + sentence + "\n");
  }
};

TEST_F(RefusalsTest, HasALineForEachFinding) {
  refuses(422, R"({"status": 422, "detail": "the cloud would not be valid", "findings": [
      {"kind": "duplicate-address", "path": "ports.web2.address", "text": "10.0.0.11 is that of port web1"},
      {"kind": "unknown-network", "path": "ports.web2.network", "text": "there is no network bleu"}]})");
  expect(typed({"set", "port", "web2", "address=10.0.0.11"}),
         "ports.web2.address: 10.0.0.11 is that of port web1\n"
         "novaplane: ports.web2.network: there is no network bleu");
}

TEST_F(RefusalsTest, SaysWhatIsNotThere) {
  refuses(404, R"({"status": 404, "detail": "There is no port web9."})");
  answers({200, "{}"});  // but an API
  expect(typed({"get", "port", "web9"}), "There is no port web9");
}

TEST_F(RefusalsTest, SaysThatThereIsNoDaemon) {
  daemon_.reset();
  const std::string path = folder_ + "/control.sock";
  for (const bool left_over : {true, false}) {
    if (!left_over) std::filesystem::remove(path);
    expect(typed({"get", "ports"}), "novaplaned does not run: nothing answers at " + path +
                                        " (start it with --store, or say its --run-dir)");
  }
}

TEST_F(RefusalsTest, SaysThatThereIsNoStore) {
  answers({404, "there is no such thing"});
  answers({404, "there is no such thing"});
  answers({200, R"({"pid": 7, "document": "/etc/novaplane/cloud.yaml"})"});
  expect(typed({"get", "ports"}),
         "novaplaned follows /etc/novaplane/cloud.yaml: edit it, or start novaplaned with --store");
}

TEST_F(RefusalsTest, SaysWhyTheStoreTakesNoWrites) {
  refuses(403,
          R"({"status": 403, "detail": "the store is a file: edit /etc/novaplane/cloud.yaml"})");
  expect(typed({"delete", "port", "web1"}), "the store is a file: edit /etc/novaplane/cloud.yaml");
}

TEST_F(RefusalsTest, SaysWhenToTryAgain) {
  refuses(503, R"({"status": 503, "detail": "the copy is held: another store answers there"})",
          "Retry-After: 5\r\n");
  expect(typed({"set", "port", "web1", "host=h2"}),
         "the copy is held: another store answers there (try again in 5 s)");
}

TEST_F(RefusalsTest, SaysThatAWriteIsUnclear) {
  refuses(503,
          R"({"status": 503, "detail": "the store did not answer in time", "change": "a1b2"})");
  EXPECT_THAT(typed({"set", "port", "web1", "host=h2"}).err,
              AllOf(HasSubstr("it is not known whether the change was written"),
                    HasSubstr("novaplane history")));
}

TEST_F(RefusalsTest, SaysThatAnObjectWasChangedMeanwhile) {
  refuses(412, R"({"status": 412, "detail": "port web1 is of revision 14, not 12"})");
  expect(typed({"set", "port", "web1", "host=h2", "--revision", "12"}),
         "port web1 is of revision 14, not 12: somebody else has changed it; look at it again");
  EXPECT_THAT(daemon_->head_of(0), HasSubstr("If-Match: \"12\""));
}

TEST_F(RefusalsTest, SurvivesWhatIsNoAnswerOfTheApi) {
  answers({500, "<html>"});
  expect(typed({"get", "ports"}), "novaplaned answers 500: <html>");
  answers({200, "<html>"});
  EXPECT_THAT(typed({"get", "ports"}).err, HasSubstr("cannot be understood"));
  answers({200, R"({"revision": 3})"});
  EXPECT_THAT(typed({"get", "ports"}).err, HasSubstr("cannot be understood"));
  answers({422, R"({"findings": "none"})"});
  EXPECT_EQ(typed({"get", "ports"}).status, kFailed);
}

}  // namespace
}  // namespace novaplane::tools
