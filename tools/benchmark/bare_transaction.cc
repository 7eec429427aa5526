#include "tools/benchmark/bare_transaction.h"

#include <arpa/inet.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "dataplane/nft/elements.h"
#include "dataplane/nft/ruleset_messages.h"
#include "tools/benchmark/host.h"

namespace novaplane::bench {

std::vector<char> transaction_of(const cloud::Cloud& cloud, const Site& site) {
  const Site::Visit visit(site);
  Host host(site);
  host.load(cloud);
  host.is_silent();  // the plan makes it learn what the kernel says of the uplink
  engine::Engine& engine = host.engine();
  const nft::Ruleset& ruleset = engine.ruleset();
  nft::Batch batch;
  batch.begin(std::nullopt);
  nft::write_repair(batch, ruleset, engine.ruleset_repair());
  nft::ElementMessages messages(batch, nft::Batch::Subject::Kind::add);
  for (const nft::Set& set : ruleset.sets) {
    engine.tables().elements.rows().for_each_pending(
        [&](const nft::ElementKey& key, const nft::Element* wanted, auto*) {
          if (key.set == set.name) messages.put(set, key, wanted, 0);
        });
  }
  messages.finish();
  batch.end();
  std::vector<char> bytes;
  for (const iovec& part : batch.parts()) {
    const char* first = static_cast<const char*>(part.iov_base);
    bytes.insert(bytes.end(), first, first + part.iov_len);
  }
  return bytes;
}

void BareTransaction::flush() {
  std::array<char, 256> buffer;
  std::size_t used = 0;
  const auto put = [&](std::uint16_t type, std::uint16_t flags, std::uint16_t resource) {
    nlmsghdr* header = mnl_nlmsg_put_header(buffer.data() + used);
    header->nlmsg_type = type;
    header->nlmsg_flags = NLM_F_REQUEST | flags;
    auto* generic = static_cast<nfgenmsg*>(mnl_nlmsg_put_extra_header(header, sizeof(nfgenmsg)));
    generic->version = NFNETLINK_V0;
    generic->res_id = htons(resource);
    used += header->nlmsg_len;
  };
  put(NFNL_MSG_BATCH_BEGIN, 0, NFNL_SUBSYS_NFTABLES);
  put(NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_DELTABLE, NLM_F_ACK, 0);
  put(NFNL_MSG_BATCH_END, 0, NFNL_SUBSYS_NFTABLES);
  socket_.send(buffer.data(), used);
}

}  // namespace novaplane::bench
