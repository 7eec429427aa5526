#pragma once

#include <string>
#include <vector>

#include "tests/netns/world/world.h"

namespace novaplane::netns {

/// Boots a virtual machine with a kernel of its own (vmlinuz and `initrd` of the guest folder) on a
/// tap that QEMU makes in the host's namespace. `more`: further arguments of QEMU, `words` of the
/// kernel. Its console is written to `console`.
inline Child boot_guest(const Host& host, const std::string& initrd, const std::string& tap,
                        const std::string& mac, const std::string& console,
                        const std::vector<std::string>& more = {}, const std::string& words = {}) {
  std::vector<std::string> argv{"qemu-system-x86_64",
                                "-accel",
                                "tcg",
                                "-cpu",
                                "max",
                                "-nodefaults",
                                "-nographic",
                                "-no-reboot",
                                "-kernel",
                                GUEST_FOLDER "/vmlinuz",
                                "-initrd",
                                GUEST_FOLDER "/" + initrd,
                                "-append",
                                "console=ttyS0 panic=-1 quiet " + words,
                                "-serial",
                                "stdio",
                                "-netdev",
                                "tap,id=net0,ifname=" + tap + ",script=no,downscript=no",
                                "-device",
                                "virtio-net-pci,netdev=net0,romfile=,mac=" + mac};
  argv.insert(argv.end(), more.begin(), more.end());
  return {{.argv = argv, .namespace_fd = host.fd()}, console};
}

}  // namespace novaplane::netns
