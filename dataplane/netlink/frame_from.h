#pragma once

#include "dataplane/base/address.h"
#include "dataplane/base/error.h"
#include "dataplane/base/fd.h"

namespace novaplane::netlink {

/// A packet socket on the link, which becomes readable once a frame from that MAC has come in by
/// it, whatever becomes of the frame further on. What goes out by the link does not count. An error
/// of the socket (ENETDOWN) makes it readable, too. ENODEV, ENXIO: there is no such link.
Result<Fd> await_frame_from(int link, const Mac& mac);

}  // namespace novaplane::netlink
