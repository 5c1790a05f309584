// A recoverer dies: one process dies with a lock of the channel in the middle of putting or
// getting, a second one after each instruction of putting that right, and a third must find all
// well.

#include <gtest/gtest.h>

#include "channel/channel.hpp"
#include "channel/record.hpp"
#include "channel/repair.hpp"
#include "memory/ledger.hpp"
#include "memory/local.hpp"
#include "memory/owner.hpp"
#include "testing/channel_fixture.hpp"
#include "testing/kill_at_every_step.hpp"
#include "testing/messages.hpp"

namespace onecopy::channel {
namespace {

using onecopy::testing::ChannelFixture;
using onecopy::testing::draft;
using onecopy::testing::drain;
using onecopy::testing::expect_sound;
using onecopy::testing::kill_at_every_step;
using onecopy::testing::kill_point;
using onecopy::testing::KillPoint;
using onecopy::testing::make_channel;
using onecopy::testing::put;
using onecopy::testing::random_for;
using onecopy::testing::Shape;
using onecopy::testing::shapes;
using onecopy::testing::SteppedProcess;
using onecopy::testing::wants_everything;

constexpr std::uint32_t kDying = 1000;
constexpr std::uint32_t kWaiting = 3;  // messages 0, 1, 2 lie in the channel before

enum class Side { put, get };

struct Case {
  Side side;
  Shape shape;

  friend void PrintTo(const Case& each, std::ostream* out) { *out << each.shape.name; }
};

class RepairKill : public ChannelFixture, public ::testing::WithParamInterface<Case> {
 protected:
  RepairKill() { dying_ = draft(kDying, GetParam().shape); }

  ChannelRecord& record() { return record_of(channel_.name().index); }
  const memory::OwnerLock& lock_of_side() {
    return GetParam().side == Side::put ? record().put_lock : record().get_lock;
  }

  void prepare() {
    channel_ = make_channel();
    // A getter's first message is of the shape in question; what a putter's is comes last.
    for (std::uint32_t i = 0; i < kWaiting; ++i) {
      const bool first_to_get = GetParam().side == Side::get && i == 0;
      ASSERT_EQ(put(channel_, draft(i, first_to_get ? GetParam().shape : shapes()[i])), Put::done);
    }
  }

  void put_or_get() {
    if (GetParam().side == Side::put) {
      put(channel_, dying_);
    } else {
      Incoming message;
      channel_.try_get(message, Contend::yes);
      message.discard();
    }
  }

  // Whether a block is between two owners.
  bool is_on_its_way() {
    const std::uint32_t count = memory::header().block_count.load();
    for (memory::BlockIndex block = 0; block < count; ++block) {
      const memory::OwnerState state = memory::owner_of(block).state();
      if (state == memory::OwnerState::putting || state == memory::OwnerState::taking) return true;
    }
    return false;
  }

  // Instructions after which a process that puts or gets holds its lock: so many by chance, and so
  // many again of those (there are few) where a block is on its way.
  std::vector<KillPoint> sample(std::size_t most) {
    prepare();
    std::vector<SteppedProcess::Address> trace;
    std::vector<long> holding;
    std::vector<long> on_its_way;
    {
      SteppedProcess child([&] { put_or_get(); });
      while (child.step()) {
        trace.push_back(child.instruction());
        if (lock_of_side().word.load() == 0) continue;
        (is_on_its_way() ? on_its_way : holding).push_back(static_cast<long>(trace.size()));
      }
    }
    expect_all_well();
    EXPECT_FALSE(holding.empty());
    EXPECT_TRUE(GetParam().shape.blocks.empty() || !on_its_way.empty());
    auto random = random_for("repair");
    std::vector<KillPoint> points;
    for (std::vector<long>* const numbers : {&holding, &on_its_way}) {
      std::shuffle(numbers->begin(), numbers->end(), random);
      if (numbers->size() > most) numbers->resize(most);
      for (const long number : *numbers) points.push_back(kill_point(trace, number));
    }
    return points;
  }

  void leave_a_dead_holder(const KillPoint& point) {
    SteppedProcess first([&] { put_or_get(); });
    first.run_to(point.address, point.time);
    first.kill_now();
    first.collect();
  }

  void expect_all_well() {
    memory::reclaim_dead();
    EXPECT_EQ(memory::reclaim_dead(), 0u) << "one look finds them all";
    expect_sound(channel_);
    const Numbers found = drain(channel_);
    Numbers rest;
    for (std::uint32_t i = 0; i < kWaiting; ++i) rest.push_back(i);
    Numbers other = rest;
    if (GetParam().side == Side::put) {
      other.push_back(kDying);
    } else {
      other.erase(other.begin());
    }
    EXPECT_TRUE(found == rest || found == other) << ::testing::PrintToString(found);
    expect_working();
    expect_no_leak();
  }

  onecopy::testing::Draft dying_;
};

TEST_P(RepairKill, WhileItReclaims) {
  for (const auto& point : sample(1)) {
    SCOPED_TRACE("the first died after instruction " + std::to_string(point.number));
    kill_at_every_step(
        {.name = "reclaim", .sample = 40},
        [&] {
          prepare();
          leave_a_dead_holder(point);
        },
        [] { memory::reclaim_dead(); }, [&] { expect_all_well(); });
    if (HasFailure()) return;
  }
}

// Who takes a lock over may be slow to repair, while somebody else takes back what the dead held
// and it is used again. Once the segment that a putter was about to link could be freed so, and the
// repair read where messages go on from what others wrote there.
TEST_P(RepairKill, WhileTheBlocksOfTheDeadAreUsedAgain) {
  const onecopy::testing::Watchdog watchdog("used again", 600);
  for (const auto& point : sample(wants_everything() ? 1000 : 30)) {
    SCOPED_TRACE("the first died after instruction " + std::to_string(point.number));
    prepare();
    leave_a_dead_holder(point);
    memory::OwnerLock& lock = const_cast<memory::OwnerLock&>(lock_of_side());
    const auto acquired = memory::lock(lock);
    memory::reclaim_dead();
    std::vector<memory::BlockIndex> blocks;
    for (const std::size_t size : {100, 100, 100, 16'384, 16'384, 65'536}) {
      blocks.push_back(memory::allocate_block(size).value());
      std::memset(memory::block_data(blocks.back()), 0xee, size);
    }
    if (acquired == memory::Acquired::from_dead) {
      const std::uint32_t channel = channel_.name().index;
      GetParam().side == Side::put ? repair_putting(channel) : repair_getting(channel);
    }
    memory::unlock(lock);
    for (const memory::BlockIndex block : blocks) memory::release_block(block);
    expect_all_well();
    if (HasFailure()) return;
  }
}

// The second one holds the channel no more when it dies with its locks, and then the last holder
// lets go of it. Once those locks were looked for in the ledger of the second only, and what the
// first had on its way was never freed.
TEST_P(RepairKill, OfAChannelThatTheRecovererDoesNotHold) {
  long attempts = 0;
  for (const auto& point : sample(1)) {
    SCOPED_TRACE("the first died after instruction " + std::to_string(point.number));
    kill_at_every_step(
        {.name = "reclaim by a stranger", .sample = 40},
        [&] {
          prepare();
          leave_a_dead_holder(point);
        },
        [&] {
          memory::ledger_clear(memory::Ledger::channels, memory::self(), channel_.name().index);
          memory::reclaim_dead();
        },
        [&] {
          if (++attempts % 2 == 0) {
            memory::reclaim_dead();
            EXPECT_EQ(record().put_lock.word, 0u);
            EXPECT_EQ(record().get_lock.word, 0u);
          }
          expect_no_leak();
          // The next channel in the same place begins clean.
          prepare();
          expect_all_well();
        });
    if (HasFailure()) return;
  }
}

// Each attempt takes the slice after which a waiter asks whether the owner lives.
TEST_P(RepairKill, WhileItTakesTheLockOver) {
  for (const auto& point : sample(1)) {
    SCOPED_TRACE("the first died after instruction " + std::to_string(point.number));
    kill_at_every_step(
        {.name = "take over", .sample = 8, .seconds = 300},
        [&] {
          prepare();
          leave_a_dead_holder(point);
        },
        [&] { put_or_get(); },
        [&] {
          // The second may have put or taken one of its own after the repair.
          memory::reclaim_dead();
          expect_sound(channel_);
          drain(channel_);
          expect_sound(channel_);
          expect_no_leak();
        });
  }
}

std::vector<Case> cases() {
  std::vector<Case> all;
  for (const Side side : {Side::put, Side::get}) {
    for (const Shape& shape : shapes()) all.push_back({side, shape});
  }
  return all;
}

INSTANTIATE_TEST_SUITE_P(Each, RepairKill, ::testing::ValuesIn(cases()), [](const auto& each) {
  return std::string(each.param.side == Side::put ? "Put" : "Get") + each.param.shape.name;
});

}  // namespace
}  // namespace onecopy::channel
