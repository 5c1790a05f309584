// Every case runs in a process of its own: a process is in one family for ever.
#include "memory/family.hpp"

#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <vector>

#include <onecopy/version.hpp>

#include "memory/block.hpp"
#include "memory/census.hpp"
#include "memory/housekeeping.hpp"
#include "memory/local.hpp"
#include "memory/validate.hpp"
#include "os/byte_lock.hpp"
#include "os/descriptor_passing.hpp"
#include "os/memory_file.hpp"
#include "os/testing_files.hpp"
#include "testing/fresh_process.hpp"

namespace onecopy::memory {
namespace {

using onecopy::testing::ended_well;
using onecopy::testing::in_fresh_process;
using onecopy::testing::start_process;

constexpr std::size_t kLarge = 1 << 20;

TEST(Family, IsMadeOnFirstUse) {
  in_fresh_process([] {
    EXPECT_FALSE(in_family());
    EXPECT_EQ(reclaim_dead(), 0u);
    EXPECT_TRUE(join_family());
    EXPECT_TRUE(in_family());
    const Slot slot = self();
    EXPECT_TRUE(join_family());
    EXPECT_EQ(self(), slot);
  });
}

TEST(Family, GivesEachMemberATicketOfItsOwn) {
  in_fresh_process([] {
    EXPECT_TRUE(join_family());
    const Ticket mine = self_ticket();
    EXPECT_EQ(mine.slot, self());
    EXPECT_TRUE(ended_well(start_process([mine] { EXPECT_FALSE(self_ticket() == mine); })));
    EXPECT_TRUE(self_ticket() == mine);
  });
}

TEST(Family, IsMadeOnceByThreadsThatJoinAtTheSameTime) {
  in_fresh_process([] {
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back([] { EXPECT_TRUE(join_family()); });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(take_census().members.size(), 1u);
  });
}

// A process that is no child by fork of a member, and a member that hands it what it needs.
class Newcomer {
 public:
  template <class Body>
  explicit Newcomer(Body&& body) {
    auto ends = os::stream_pair().value();
    pid_ = start_process([&] {
      const auto [descriptors, bytes] =
          os::receive_descriptors(ends.second.get(), 1, sizeof(Ticket)).value();
      Ticket ticket;
      std::memcpy(&ticket, bytes.data(), sizeof ticket);
      EXPECT_FALSE(in_family());
      body(descriptors.at(0).get(), ticket);
    });
    socket_ = std::move(ends.first);
  }
  void invite(int arena, Ticket ticket) {
    EXPECT_TRUE(os::send_descriptors(socket_.get(), std::span(&arena, 1),
                                     std::as_bytes(std::span(&ticket, 1))));
  }
  bool ended_well() { return onecopy::testing::ended_well(pid_); }
  pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = 0;
  os::Descriptor socket_;
};

TEST(Family, IsAdoptedByAProcessStartedAfresh) {
  in_fresh_process([] {
    Newcomer newcomer([](int arena, Ticket ticket) {
      ASSERT_TRUE(adopt(arena, ticket));
      EXPECT_TRUE(in_family());
      EXPECT_EQ(self(), ticket.slot);
      EXPECT_EQ(block_data(0)[0], std::byte{42}) << "the same memory";
      block_data(0)[0] = std::byte{43};
      EXPECT_TRUE(adopt(arena, ticket)) << "once more is nothing";
    });
    ASSERT_TRUE(join_family());
    const BlockIndex block = allocate_block(100).value();
    ASSERT_EQ(block, 0u);
    block_data(block)[0] = std::byte{42};
    const Ticket ticket = reserve_place().value();
    name_newcomer(ticket, newcomer.pid());
    newcomer.invite(family_descriptor().value(), ticket);
    EXPECT_TRUE(newcomer.ended_well());
    EXPECT_EQ(block_data(block)[0], std::byte{43});
    EXPECT_EQ(reclaim_dead(), 1u);
  });
}

TEST(Family, OfAnotherVersionRefuses) {
  in_fresh_process([] {
    Newcomer newcomer([](int arena, Ticket ticket) {
      const auto adopted = adopt(arena, ticket);
      ASSERT_FALSE(adopted);
      EXPECT_EQ(adopted.error(), Error::version_mismatch);
      EXPECT_NE(adopted.failure().text().find(kVersionText), std::string::npos);
      EXPECT_NE(adopted.failure().text().find("7.8.9"), std::string::npos);
      EXPECT_FALSE(in_family());
      EXPECT_TRUE(join_family()) << "it can still begin one of its own";
      EXPECT_EQ(take_census().members.size(), 1u);
    });
    ASSERT_TRUE(join_family());
    header().package_version = (7 << 20) | (8 << 10) | 9;
    newcomer.invite(family_descriptor().value(), reserve_place().value());
    EXPECT_TRUE(newcomer.ended_well());
  });
}

TEST(Family, OfAnotherLayoutRefuses) {
  in_fresh_process([] {
    Newcomer newcomer([](int arena, Ticket ticket) {
      EXPECT_EQ(adopt(arena, ticket).error(), Error::version_mismatch);
    });
    ASSERT_TRUE(join_family());
    header().layout_version = kLayoutVersion + 1;
    newcomer.invite(family_descriptor().value(), reserve_place().value());
    EXPECT_TRUE(newcomer.ended_well());
  });
}

TEST(Family, IsNotFoundBehindJustAnyDescriptor) {
  in_fresh_process([] {
    Newcomer newcomer([](int arena, Ticket ticket) {
      EXPECT_EQ(adopt(arena, ticket).error(), Error::corrupt) << "no arena's content";
      const auto small = os::MemoryFile::create("small", 4096).value();
      EXPECT_EQ(adopt(small.descriptor(), ticket).error(), Error::corrupt);
      const auto pipe = os::pipe_pair().value();
      EXPECT_EQ(adopt(pipe.first.get(), ticket).error(), Error::invalid);
      EXPECT_FALSE(adopt(-1, ticket));
      EXPECT_FALSE(in_family());
    });
    const auto file = os::MemoryFile::create("other", 1u << 30).value();
    newcomer.invite(file.descriptor(), {1, 1});
    EXPECT_TRUE(newcomer.ended_well());
  });
}

TEST(Family, RefusesWhoComesToAPlaceThatIsNotKept) {
  in_fresh_process([] {
    Newcomer newcomer([](int arena, Ticket ticket) {
      EXPECT_EQ(adopt(arena, ticket).error(), Error::closed);
      EXPECT_EQ(adopt(arena, {kNoSlot, 1}).error(), Error::closed);
      EXPECT_FALSE(in_family());
    });
    ASSERT_TRUE(join_family());
    const Ticket ticket = reserve_place().value();
    release_place(ticket);
    newcomer.invite(family_descriptor().value(), ticket);
    EXPECT_TRUE(newcomer.ended_well());
    EXPECT_EQ(take_census().members.size(), 1u);
  });
}

// A program may close our descriptors and open files of its own under their numbers. Once such a
// file got a hole where the arena gave pages back, and arrays written into it.
TEST(Family, LeavesAFileAloneThatGotTheNumberOfItsDescriptor) {
  in_fresh_process([] {
    ASSERT_TRUE(join_family());
    const BlockIndex warm = allocate_block(kLarge).value();
    const std::vector<std::byte> bytes(kLarge, std::byte{7});
    ASSERT_TRUE(fill_block(warm, 0, bytes.data(), kLarge));
    const int number = family_descriptor().value();
    const auto theirs = os::MemoryFile::create("theirs", 1 << 30).value();
    ASSERT_EQ(dup2(theirs.descriptor(), number), number);

    EXPECT_EQ(family_descriptor().error(), Error::closed);
    const BlockIndex fresh = allocate_block(kLarge).value();
    ASSERT_TRUE(fill_block(fresh, 0, bytes.data(), kLarge));
    EXPECT_EQ(std::memcmp(block_data(fresh), bytes.data(), kLarge), 0);
    release_block(warm);
    give_back_idle(0);
    EXPECT_EQ(os::testing::allocated_bytes(theirs.descriptor()), 0u);
    EXPECT_EQ(block_data(warm)[0], std::byte{7}) << "pages that cannot be given back are kept";
    EXPECT_EQ(validate_memory(), "");
    release_block(fresh);
    EXPECT_EQ(take_census().blocks_in_use, 0u);
  });
}

// Once such a program ended itself at the next fork, for want of "memory mappings".
TEST(Family, ForksOnWithoutItsDescriptor) {
  in_fresh_process([] {
    ASSERT_TRUE(join_family());
    const BlockIndex block = allocate_block(kLarge).value();
    retain_view(block);
    std::memset(block_data(block), 1, kLarge);
    ASSERT_EQ(syscall(SYS_close_range, 3u, ~0u, 0u), 0);
    EXPECT_TRUE(ended_well(start_process([&] {
      EXPECT_TRUE(in_family());
      EXPECT_EQ(block_data(block)[kLarge - 1], std::byte{1});
      std::memset(block_data(block), 2, kLarge);
      EXPECT_EQ(block_data(block)[0], std::byte{2});
      const BlockIndex own = allocate_block(100).value();
      release_block(own);
      release_view(block);
    })));
    EXPECT_EQ(block_data(block)[0], std::byte{1}) << "each side has values of its own";
    std::memset(block_data(block), 3, kLarge);
    EXPECT_EQ(reclaim_dead(), 1u);
    EXPECT_EQ(validate_memory(), "");
    release_view(block);
    EXPECT_TRUE(allocate_block(kLarge));
  });
}

// So that the numbers in use are all there are.
void leave_no_descriptor_free() {
  const os::Descriptor lowest_free(dup(0));
  const rlimit limit{static_cast<rlim_t>(lowest_free.get()), 1024};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

bool is_guarded() { return os::is_byte_held(arena_descriptor(), self()).value(); }

TEST(Family, GuardsAChildWhereNoDescriptorIsFree) {
  in_fresh_process([] {
    ASSERT_TRUE(join_family());
    leave_no_descriptor_free();
    EXPECT_TRUE(ended_well(start_process([] {
      EXPECT_TRUE(in_family());
      EXPECT_TRUE(is_guarded());
    })));
    EXPECT_TRUE(is_guarded()) << "the parent has a guard again";
    EXPECT_EQ(reclaim_dead(), 1u);
  });
}

bool dies_unborn = false;

// Once the place of such a child stayed taken until its parent ended: no descriptor, no guard.
TEST(Family, TakesBackThePlaceOfAnUnbornChildWhereNoDescriptorIsFree) {
  in_fresh_process([] {
    // In a child the oldest handler runs first: before the family's.
    ASSERT_EQ(pthread_atfork(nullptr, nullptr,
                             [] {
                               if (dies_unborn) _exit(0);
                             }),
              0);
    ASSERT_TRUE(join_family());
    leave_no_descriptor_free();
    dies_unborn = true;
    for (int i = 0; i < 3; ++i) {
      const pid_t child = fork();
      ASSERT_GT(child, 0);
      EXPECT_TRUE(ended_well(child));
      EXPECT_EQ(reclaim_dead(), 1u);
    }
    EXPECT_EQ(take_census().members.size(), 1u);
  });
}

TEST(Family, SaysWhatIsWrongWithALimit) {
  for (const char* const text : {"much", "-1", "12Q", "0"}) {
    in_fresh_process([&] {
      setenv("ONECOPY_MEMORY_LIMIT", text, 1);
      const auto joined = join_family();
      ASSERT_FALSE(joined);
      EXPECT_EQ(joined.error(), Error::invalid);
      EXPECT_NE(joined.failure().text().find("ONECOPY_MEMORY_LIMIT"), std::string::npos);
      EXPECT_NE(joined.failure().text().find(text), std::string::npos);
    });
  }
}

// AddressSanitizer needs more addresses than these.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
void limit_addresses(rlim_t bytes) {
  const rlimit limit{bytes, bytes};
  ASSERT_EQ(setrlimit(RLIMIT_AS, &limit), 0);
}

TEST(Family, LivesWithFewAddresses) {
  in_fresh_process([] {
    limit_addresses(2ull << 30);
    ASSERT_TRUE(join_family());
    const BlockIndex block = allocate_block(kLarge).value();
    block_data(block)[kLarge - 1] = std::byte{1};
    const auto refused = allocate_block(1ull << 30);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error(), Error::no_memory);
    EXPECT_NE(refused.failure().text().find("RLIMIT_AS"), std::string::npos);
    EXPECT_TRUE(ended_well(start_process([] { EXPECT_TRUE(in_family()); })));
  });
}

TEST(Family, SaysHowManyAddressesItNeeds) {
  in_fresh_process([] {
    limit_addresses(200ull << 20);
    const auto joined = join_family();
    ASSERT_FALSE(joined);
    EXPECT_EQ(joined.error(), Error::no_memory);
    EXPECT_NE(joined.failure().text().find("RLIMIT_AS"), std::string::npos);
    EXPECT_FALSE(in_family());
  });
}
#endif

// The threads of a program go on while one of them forks.
TEST(Family, GrowsByForksWhileOtherThreadsWork) {
  in_fresh_process([] {
    ASSERT_TRUE(join_family());
    // More warm blocks than are in use at a time: for a further one the limits would be read, with
    // memory of the C++ library, and AddressSanitizer's does not survive a fork in the middle of
    // what another thread asks of it.
    std::vector<BlockIndex> warm;
    for (int i = 0; i < 8; ++i) warm.push_back(allocate_block(5000).value());
    for (const BlockIndex block : warm) release_block(block);
    std::atomic<bool> stop{false};
    std::vector<std::thread> threads;
    for (int i = 0; i < 2; ++i) {
      threads.emplace_back([&stop, i] {
        while (!stop) {
          const BlockIndex block = allocate_block(5000).value();
          retain_view(block);
          std::memset(block_data(block), i, 5000);
          release_view(block);
        }
      });
    }
    for (int i = 0; i < 100; ++i) {
      EXPECT_TRUE(ended_well(start_process([] {
        const BlockIndex block = allocate_block(5000).value();
        std::memset(block_data(block), 9, 5000);
        release_block(block);
        EXPECT_EQ(reclaim_dead(), 0u);
      })));
      EXPECT_EQ(reclaim_dead(), 1u);
    }
    stop = true;
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(validate_memory(), "");
    EXPECT_EQ(take_census().blocks_in_use, 0u);
    EXPECT_EQ(take_census().members.size(), 1u);
  });
}

}  // namespace
}  // namespace onecopy::memory
