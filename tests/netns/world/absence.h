#pragma once

#include <gtest/gtest.h>

#include <string>

#include "tests/netns/world/namespace.h"

namespace novaplane::netns {

/// No answer comes from `address` to an echo request that has left, though `control` answers the
/// ones that are sent before and after it. Name a control that is as far away.
///
///   EXPECT_TRUE(unanswered(web1, "10.1.0.1", "10.0.0.1"));
testing::AssertionResult unanswered(const Namespace& from, const std::string& address,
                                    const std::string& control);

/// Likewise of a call and a datagram to that port: neither a word of a server nor a refusal.
testing::AssertionResult unserved(const Namespace& from, const std::string& address, int port,
                                  const std::string& control);

}  // namespace novaplane::netns
