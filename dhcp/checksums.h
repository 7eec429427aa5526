#pragma once

#include "dataplane/base/process.h"

/// Whole UDP checksums for DHCP clients that read raw frames.
///
/// The kernel leaves the checksum of a local UDP packet to the device; a bridge and a tap pass it
/// on unfinished, and a client that reads raw frames and verifies them drops the reply. Finishing
/// it (transmit checksum offload off on the bridge) costs forwarded TCP two thirds of its
/// throughput, since the kernel then segments and sums all that leaves by the bridge. A reply
/// without a checksum (0, RFC 768) is valid everywhere and costs nothing, so the server's socket is
/// told to leave it out.
namespace novaplane::dhcp {

enum class Checksums {
  left_out,
  unfinished,
  unknown,  ///< the kernel does not let us look: before Linux 5.6, or Yama's ptrace_scope 3
};

/// How the process's DHCP socket sends.
Checksums checksums_of(const Process& dnsmasq);

/// As checksums_of(), afterwards: what is unknown stays as it is.
Checksums leave_out_checksums(const Process& dnsmasq);

}  // namespace novaplane::dhcp
