#include "dataplane/nft/batch.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>

#include "dataplane/nft/wire.h"

namespace novaplane::nft {

void Batch::begin(std::optional<std::uint32_t> generation) {
  first_sequence_ += static_cast<std::uint32_t>(subjects_.size()) + 1;
  subjects_.clear();
  parts_.clear();
  open_ = nullptr;
  subjects_.push_back({});
  nlmsghdr* header = start(NFNL_MSG_BATCH_BEGIN, NLM_F_REQUEST, AF_UNSPEC, NFNL_SUBSYS_NFTABLES);
  if (generation) mnl_attr_put_u32(header, NFNL_BATCH_GENID, htonl(*generation));
}

nlmsghdr* Batch::message(std::uint16_t type, std::uint16_t flags, const Subject& subject) {
  complete();
  subjects_.push_back(subject);
  return start(message_type(type), NLM_F_REQUEST | flags, protocol_family(subject.family), 0);
}

void Batch::end() {
  open_->nlmsg_flags |= NLM_F_ACK;
  complete();
  start(NFNL_MSG_BATCH_END, NLM_F_REQUEST, AF_UNSPEC, NFNL_SUBSYS_NFTABLES)->nlmsg_seq =
      last_sequence() + 1;
  complete();
}

nlmsghdr* Batch::start(std::uint16_t type, std::uint16_t flags, std::uint8_t family,
                       std::uint16_t resource) {
  if (parts_.empty() || kBlock - parts_.back().iov_len < kLongestMessage) next_block();
  auto* place = static_cast<std::byte*>(parts_.back().iov_base) + parts_.back().iov_len;
  open_ = start_message(place, type, flags, family, resource);
  open_->nlmsg_seq = last_sequence();
  return open_;
}

void Batch::complete() {
  if (open_) parts_.back().iov_len += MNL_ALIGN(open_->nlmsg_len);
  open_ = nullptr;
}

void Batch::next_block() {
  if (blocks_.size() == parts_.size()) blocks_.emplace_back(new std::byte[kBlock]);
  parts_.push_back({blocks_[parts_.size()].get(), 0});
}

std::size_t Batch::size() const {
  std::size_t size = 0;
  for (const iovec& part : parts_) size += part.iov_len;
  return size;
}

const Batch::Subject* Batch::subject(std::uint32_t sequence) const {
  const std::uint32_t index = sequence - first_sequence_;
  return index < subjects_.size() ? &subjects_[index] : nullptr;
}

const nlmsghdr* Batch::find(std::uint32_t sequence) const {
  for (const iovec& part : parts_) {
    int left = static_cast<int>(part.iov_len);
    const auto* header = static_cast<const nlmsghdr*>(part.iov_base);
    for (; mnl_nlmsg_ok(header, left); header = mnl_nlmsg_next(header, &left)) {
      if (header->nlmsg_seq == sequence) return header;
    }
  }
  return nullptr;
}

void Batch::shrink() {
  if (blocks_.size() <= 1) return;
  parts_.clear();
  blocks_.resize(1);
  subjects_.shrink_to_fit();
}

}  // namespace novaplane::nft
