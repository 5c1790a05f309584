// The protocols of the arena between threads of one process: what ThreadSanitizer sees of them, as
// it looks into one process only. What the threads do to each other's bytes is ordered by nothing
// but the engine.
#include <gtest/gtest.h>

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <thread>
#include <vector>

#include "memory/block.hpp"
#include "memory/census.hpp"
#include "memory/family.hpp"
#include "memory/housekeeping.hpp"
#include "memory/local.hpp"
#include "memory/owner.hpp"
#include "memory/owner_lock.hpp"
#include "memory/reference.hpp"
#include "memory/validate.hpp"
#include "testing/seed.hpp"
#include "testing/watchdog.hpp"

namespace onecopy::memory {
namespace {

using onecopy::testing::Watchdog;

class MemoryThreads : public ::testing::Test {
 protected:
  MemoryThreads() {
    EXPECT_TRUE(join_family());
    before_ = take_census();
  }

  template <class Work>
  static void run_in_threads(int count, const Work& work) {
    std::vector<std::thread> threads;
    for (int i = 0; i < count; ++i) threads.emplace_back([&, i] { work(i); });
    for (std::thread& thread : threads) thread.join();
  }

  // Of a length that the compiler does not know: what it writes without a call no tool sees.
  static void write_all(BlockIndex block, int value) {
    std::memset(block_data(block), value, block_length(block));
  }

  void expect_no_leak() const {
    EXPECT_EQ(take_census().in_use, before_.in_use);
    EXPECT_EQ(take_census().members.size(), before_.members.size());
    EXPECT_EQ(validate_memory(), "");
  }

  const Watchdog watchdog_{"memory between threads", 100};
  Census before_;
};

TEST_F(MemoryThreads, AreOrderedByAnOwnerLock) {
  constexpr int kThreads = 4;
  constexpr int kRounds = 5000;
  OwnerLock shared{};
  int plain = 0;

  run_in_threads(kThreads, [&](int thread) {
    for (int i = 0; i < kRounds; ++i) {
      switch ((i + thread) % 3) {
        case 0:
          ASSERT_EQ(lock(shared), Acquired::clean);
          break;
        case 1:
          while (try_lock(shared) != Acquired::clean) std::this_thread::yield();
          break;
        default:
          while (lock_if_free_or_dead(shared) != Acquired::clean) std::this_thread::yield();
      }
      ++plain;
      unlock(shared);
    }
  });

  EXPECT_EQ(plain, kThreads * kRounds);
}

// Some write and read blocks of their own; others give idle ones back, count, and look for the
// dead.
TEST_F(MemoryThreads, HaveBlocksOfTheirOwnWhileOthersLook) {
  constexpr int kWorkers = 3;
  std::atomic<int> working{kWorkers};
  const auto work = [&](int worker) {
    auto random = onecopy::testing::random_for("blocks of threads");
    random.discard(static_cast<unsigned long long>(worker) * 100'000);
    const auto mark = static_cast<std::byte>(worker + 1);
    std::vector<BlockIndex> mine;
    for (int i = 0; i < 600; ++i) {
      if (mine.size() < 20 && random() % 2 == 0) {
        mine.push_back(allocate_block(random() % 200'000 + 1).value());
        const std::vector<std::byte> bytes(block_length(mine.back()), mark);
        ASSERT_TRUE(fill_block(mine.back(), 0, bytes.data(), bytes.size()));
      } else if (!mine.empty()) {
        std::swap(mine[random() % mine.size()], mine.back());
        const std::byte* const data = block_data(mine.back());
        EXPECT_EQ(block_at(data), mine.back());
        EXPECT_TRUE(std::all_of(data, data + block_length(mine.back()),
                                [&](std::byte each) { return each == mark; }));
        release_block(mine.back());
        mine.pop_back();
      }
    }
    for (const BlockIndex block : mine) release_block(block);
    // Relaxed: orders nothing, so that it hides nothing.
    working.fetch_sub(1, std::memory_order_relaxed);
  };
  const auto look = [&] {
    while (working.load(std::memory_order_relaxed) != 0) {
      give_back_idle(0);
      EXPECT_EQ(reclaim_dead(), 0u);
      EXPECT_GE(take_census().members.size(), before_.members.size());
    }
  };

  run_in_threads(kWorkers + 1, [&](int thread) { thread < kWorkers ? work(thread) : look(); });

  expect_no_leak();
}

// Whoever gets the block next writes into it: after everybody that had a view has read.
TEST_F(MemoryThreads, ReleaseABlockWithTheLastOfTheirViews) {
  constexpr int kThreads = 3;
  constexpr std::size_t kBytes = 5000;
  for (int round = 0; round < 300; ++round) {
    const BlockIndex block = allocate_block(kBytes).value();
    write_all(block, round % 100);
    for (int i = 0; i < kThreads; ++i) retain_view(block);
    std::vector<std::thread> threads;
    for (int i = 0; i < kThreads; ++i) {
      threads.emplace_back([&] {
        const std::byte* const data = block_data(block);
        EXPECT_EQ(data[0], data[kBytes - 1]);
        release_view(block);
      });
    }
    while (owner_of(block) != OwnerWord::free()) std::this_thread::yield();
    const BlockIndex next = allocate_block(kBytes).value();
    EXPECT_EQ(next, block) << "last in, first out";
    write_all(next, 255);
    release_block(next);
    for (std::thread& thread : threads) thread.join();
  }
  expect_no_leak();
}

TEST_F(MemoryThreads, SurrenderTheOnlyViewAfterTheOthersHaveRead) {
  constexpr std::size_t kBytes = 5000;
  for (int round = 0; round < 300; ++round) {
    const BlockIndex block = allocate_block(kBytes).value();
    write_all(block, round % 100);
    retain_view(block);
    retain_view(block);
    std::thread other([&] {
      const std::byte* const data = block_data(block);
      EXPECT_EQ(data[0], data[kBytes - 1]);
      release_view(block);
    });
    while (!surrender_view(block)) std::this_thread::yield();
    write_all(block, 255);
    release_block(block);
    other.join();
  }
  expect_no_leak();
}

// A reference of one thread to what another has, made, taken and dropped, while others look and
// while the last holds go; the shared block is there for as long as anything holds it.
TEST_F(MemoryThreads, HoldSharedBlocksByReferencesToThem) {
  constexpr int kThreads = 3;
  std::atomic<BlockIndex> passed{kNoBlock};  // a reference that is anybody's
  run_in_threads(kThreads, [&](int thread) {
    for (int i = 0; i < 300; ++i) {
      if (thread == 0 && i % 10 == 0) {
        EXPECT_EQ(reclaim_dead(), 0u);
        EXPECT_GE(take_census().members.size(), before_.members.size());
      }
      const SharedName name = make_shared_block(5000, Purpose::array).value();
      write_all(name.block, i % 100);
      const BlockIndex mine = make_reference(name).value();
      let_go_shared(name);
      // Acquire and release: as a channel hands blocks over.
      const BlockIndex other = passed.exchange(mine, std::memory_order_acq_rel);
      if (other == kNoBlock) continue;
      if (i % 3 == 0) {
        release_block(other);
        continue;
      }
      const SharedName found = take_reference(other).value();
      EXPECT_EQ(shared_at(block_data(found.block) + 4999, Purpose::array), found);
      EXPECT_EQ(block_data(found.block)[0], block_data(found.block)[4999]);
      let_go_shared(found);
    }
  });
  release_block(passed);
  expect_no_leak();
}

TEST_F(MemoryThreads, ReservePlacesWhileOthersLook) {
  constexpr int kThreads = 3;
  run_in_threads(kThreads, [&](int thread) {
    for (int i = 0; i < 200; ++i) {
      if (thread == 0) {
        EXPECT_GE(take_census().members.size(), before_.members.size());
        EXPECT_EQ(reclaim_dead(), 0u);
        continue;
      }
      const Ticket ticket = reserve_place().value();
      // Any process that lives, as children do for longer than it takes to name them.
      name_newcomer(ticket, getpid());
      release_place(ticket);
    }
  });
  expect_no_leak();
}

}  // namespace
}  // namespace onecopy::memory
