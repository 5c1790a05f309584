#include "channel/locks.hpp"

#include <csignal>

#include <gtest/gtest.h>

#include "channel/segment.hpp"
#include "memory/owner.hpp"
#include "testing/channel_fixture.hpp"
#include "testing/process.hpp"

namespace onecopy::channel {
namespace {

using memory::OwnerWord;
using onecopy::testing::draft;
using onecopy::testing::drain;
using onecopy::testing::ended_well;
using onecopy::testing::expect_sound;
using onecopy::testing::put;
using onecopy::testing::shapes;
using onecopy::testing::start_process;

class ChannelLocks : public onecopy::testing::ChannelFixture {
 protected:
  ChannelLocks() { channel_ = onecopy::testing::make_channel(); }
  std::uint32_t index() const { return channel_.name().index; }
  ChannelRecord& record() { return record_of(index()); }

  // A process that does this and dies with what it holds.
  template <class Body>
  static void die_after(Body&& body) {
    EXPECT_FALSE(ended_well(start_process([&] {
      body();
      raise(SIGKILL);
    })));
  }
};

TEST_F(ChannelLocks, AreRepairedBeforeWhatWasTakenIsTold) {
  ASSERT_EQ(put(channel_, draft(1, shapes()[1])), Put::done);
  die_after([&] {
    lock_getting(record());
    const memory::BlockIndex head = *reinterpret_cast<const memory::BlockIndex*>(
        segment_at(record().get_segment, 0) + sizeof(RecordHead));
    memory::set_owner(head, OwnerWord::taking(memory::self(), index(), 0));
  });

  EXPECT_EQ(channel_.taken(), 0u);

  expect_sound(channel_);
  EXPECT_EQ(drain(channel_), Numbers{1});
  EXPECT_EQ(channel_.taken(), 1u);
  expect_no_leak();
}

TEST_F(ChannelLocks, AreHeldByOneAtATime) {
  lock_putting(record());
  EXPECT_FALSE(lock_putting(record(), Contend::never));
  memory::unlock(record().put_lock);
  EXPECT_TRUE(lock_putting(record(), Contend::never));
  memory::unlock(record().put_lock);

  lock_getting(record());
  EXPECT_FALSE(lock_getting(record(), Contend::never));
  memory::unlock(record().get_lock);
  EXPECT_TRUE(lock_getting(record(), Contend::yes));
  memory::unlock(record().get_lock);
}

TEST_F(ChannelLocks, OfTheTwoSidesDoNotContend) {
  lock_getting(record());
  EXPECT_TRUE(lock_putting(record(), Contend::never));
  memory::unlock(record().put_lock);
  memory::unlock(record().get_lock);
}

TEST_F(ChannelLocks, OfADeadPutterComeWithItsMessageUndone) {
  die_after([&] {
    lock_putting(record());
    memory::set_owner(memory::allocate_block(100).value(),
                      OwnerWord::putting(memory::self(), index(), load(record().published).count));
  });

  lock_putting(record());
  memory::unlock(record().put_lock);

  expect_sound(channel_);
  expect_working();
  expect_no_leak();
}

TEST_F(ChannelLocks, OfADeadGetterComeWithItsMessageBack) {
  ASSERT_EQ(put(channel_, draft(1, shapes()[1])), Put::done);
  die_after([&] {
    lock_getting(record());
    const auto count = memory::block_count();
    for (memory::BlockIndex block = 0; block < count; ++block) {
      if (block == record().get_segment) continue;
      memory::change_owner(block, OwnerWord::queued(index()),
                           OwnerWord::taking(memory::self(), index(), load(record().taken).count));
    }
  });

  lock_getting(record());
  memory::unlock(record().get_lock);

  expect_sound(channel_);
  EXPECT_EQ(drain(channel_), Numbers{1});
  expect_no_leak();
}

}  // namespace
}  // namespace onecopy::channel
