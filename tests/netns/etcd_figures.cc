#include <algorithm>
#include <atomic>
#include <iostream>

#include "dataplane/store/etcd/etcd.grpc.pb.h"
#include "tests/netns/etcd_host.h"

#include <grpcpp/create_channel.h>

/// Not a test: the figures of docs/design/store.md about etcd, each beside what bare gRPC takes for
/// the same bytes in the same run, over three members in memory on this machine.
///
///   build/tests/netns/netns_etcd_figures
namespace novaplane::netns {
namespace {

namespace pb = etcdserverpb;

constexpr unsigned kRounds = 300;

std::string port(unsigned number, unsigned mtu) {
  return fmt::format(
      R"({{"network":"blue","mac":"fa:16:{0:02x}:{1:02x}:{2:02x}:{3:02x}","address":"10.{0}.{1}.{2}","interface":"tap-{4}-{3}"}})",
      number >> 16 & 255, number >> 8 & 255, number & 255, mtu & 255, number);
}

double milliseconds(Clock::duration time) {
  return std::chrono::duration<double, std::milli>(time).count();
}

struct Times {
  std::vector<double> all;
  void add(Clock::duration time) { all.push_back(milliseconds(time)); }
  std::string text() {
    std::ranges::sort(all);
    return fmt::format("median {:.2f} ms, p99 {:.2f} ms", all[all.size() / 2],
                       all[all.size() * 99 / 100]);
  }
};

/// A put, answered, and told of to another connection's watch.
void measure_bare(const std::string& writer_at, const std::string& reader_at) {
  const auto channel = grpc::CreateChannel(writer_at, grpc::InsecureChannelCredentials());
  const auto other = grpc::CreateChannel(reader_at, grpc::InsecureChannelCredentials());
  const auto writer = pb::KV::NewStub(channel);
  const auto reader = pb::Watch::NewStub(other);
  grpc::ClientContext context;
  const auto stream = reader->Watch(&context);
  pb::WatchRequest watch;
  watch.mutable_create_request()->set_key("/floor");
  stream->Write(watch);
  pb::WatchResponse told;
  stream->Read(&told);
  Times answered, heard;
  for (unsigned i = 0; i < kRounds; ++i) {
    pb::PutRequest request;
    request.set_key("/floor");
    request.set_value(port(i, i));
    const auto begin = Clock::now();
    std::thread listener([&] { stream->Read(&told); });
    grpc::ClientContext once;
    pb::PutResponse done;
    writer->Put(&once, request, &done);
    answered.add(Clock::now() - begin);
    listener.join();
    heard.add(Clock::now() - begin);
  }
  context.TryCancel();
  std::cout << "  bare put answered: " << answered.text() << "; told: " << heard.text() << "\n";
}

void measure_commits(EtcdHost& writer, EtcdHost& reader) {
  Times answered, heard;
  std::atomic<bool> ends = false;
  std::atomic<store::Revision> at = reader.copy.revision();
  std::thread listener([&] {
    while (!ends) {
      reader.follower.follow();
      at = reader.copy.revision();
      reader.follower.wait(Clock::now() + 1s);
    }
  });
  for (unsigned i = 0; i < kRounds; ++i) {
    const auto begin = Clock::now();
    const auto outcome = writer.put(cloud::Kind::port, "p1", port(1, i + 1));
    answered.add(Clock::now() - begin);
    const auto revision = std::get<store::Done>(outcome).revision;
    while (at < revision) std::this_thread::yield();
    heard.add(Clock::now() - begin);
  }
  ends = true;
  listener.join();
  std::cout << "  commit validated, written, in the own copy: " << answered.text()
            << "; in another host's copy: " << heard.text() << "\n";
}

void fill(EtcdHost& host, unsigned from, unsigned to) {
  constexpr unsigned kStep = 4000;
  for (unsigned begin = from; begin < to; begin += kStep) {
    const auto propose =
        [&](const store::Copy& copy) -> tl::expected<store::Proposal, store::Declined> {
      store::Proposal proposal;
      for (unsigned i = begin; i < std::min(to, begin + kStep); ++i) {
        const cloud::ObjectName name{cloud::Kind::port, fmt::format("p{}", i)};
        auto read = cloud::read_json(copy.cloud(), name, port(i, 0), proposal.findings);
        proposal.edits.push_back({name, std::move(read->object)});
      }
      return proposal;
    };
    const auto outcome = host.committer.commit(propose, "figures");
    if (!std::holds_alternative<store::Done>(outcome)) {
      throw std::runtime_error(store::test::told(outcome));
    }
  }
}

void measure_load(const std::string& words, const std::string& member) {
  EtcdHost host(words);
  auto begin = Clock::now();
  const auto snapshot = host.store->load();
  const double read = milliseconds(Clock::now() - begin);
  begin = Clock::now();
  host.follower.follow();
  const double copied = milliseconds(Clock::now() - begin);
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(-1);
  const auto kv = pb::KV::NewStub(
      grpc::CreateCustomChannel(member, grpc::InsecureChannelCredentials(), arguments));
  pb::RangeRequest request;
  request.set_key("/novaplane/v1/cloud");
  request.set_range_end("/novaplane/v1/cloud0");
  grpc::ClientContext context;
  pb::RangeResponse all;
  begin = Clock::now();
  kv->Range(&context, request, &all);
  std::cout << fmt::format(
      "  load of {} objects: {:.0f} ms, as a copy {:.0f} ms; bare read {:.0f} ms\n",
      snapshot->records.size(), read, copied, milliseconds(Clock::now() - begin));
}

void measure() {
  EtcdCluster cluster;
  EtcdHost writer(cluster.words(0)), reader(cluster.words(1));
  writer.follow_until([&] { return !writer.follower.hold(); });
  writer.put(cloud::Kind::network, "blue", R"({"cidr":"10.0.0.0/8","gateway":"10.255.255.254"})");
  unsigned before = 1;
  for (const unsigned ports : {100u, 100'000u}) {
    fill(writer, before, ports + 1);
    before = ports + 1;
    reader.follow_to(writer.copy.revision());
    std::cout << ports << " ports\n";
    measure_bare("10.9.0.1:2379", "10.9.0.2:2379");
    measure_commits(writer, reader);
    measure_load(cluster.words(1), "10.9.0.2:2379");
  }
}

}  // namespace
}  // namespace novaplane::netns

int main() { novaplane::netns::measure(); }
