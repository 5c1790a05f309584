#include "pool/seats.hpp"

#include <gtest/gtest.h>

#include "memory/family.hpp"
#include "os/testing.hpp"
#include "sync/wait.hpp"
#include "testing/pool_fixture.hpp"
#include "testing/process.hpp"

namespace onecopy::pool {
namespace {

class SeatsTest : public onecopy::testing::PoolFixture {};

TEST_F(SeatsTest, AreEmptyAtFirstAndAsManyAsAskedFor) {
  for (const std::uint32_t count : {1u, 3u, kMostSeats}) {
    Seats seats = make_seats(count).value();

    EXPECT_EQ(seats->seats().size(), count);
    for (SeatRecord& seat : seats->seats()) EXPECT_EQ(seat.at, 0u);
    EXPECT_EQ(validate(*seats, 0), "");
  }
  expect_no_leak();
}

TEST_F(SeatsTest, LieApartFromEachOther) {
  Seats seats = make_seats(2).value();
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(seats->seats().data()) % 64, 0u);
  EXPECT_EQ(reinterpret_cast<std::byte*>(&seats->seats()[1]) -
                reinterpret_cast<std::byte*>(&seats->seats()[0]),
            64);
}

TEST_F(SeatsTest, NameOneTaskEach) {
  Seats seats = make_seats(2).value();
  seats->seats()[0].at = channel::note_of(4);
  seats->seats()[1].at = channel::note_of(5);
  EXPECT_EQ(validate(*seats, 5), "") << "5 is about to be taken";
  EXPECT_EQ(validate(*seats, 4), "a seat names a task that nobody could take yet");
  seats->seats()[1].at = channel::note_of(0xffffffff);
  EXPECT_EQ(validate(*seats, 5), "") << "numbers wrap";
  seats->seats()[1].at = 5;
  EXPECT_EQ(validate(*seats, 6), "a seat has a note that nobody writes");
}

TEST_F(SeatsTest, AreValidatedWithTheirRecord) {
  Seats seats = make_seats(2).value();
  seats->closing = 2;
  EXPECT_EQ(validate(*seats, 0), "a pool is neither open nor closed");
  seats->closing = 1;
  EXPECT_EQ(validate(*seats, 0), "");
  seats->seat_count = 0;
  EXPECT_EQ(validate(*seats, 0), "a pool has no such seats");
}

TEST_F(SeatsTest, ChangeTheSignalOnlyForWhoSleeps) {
  Seats seats = make_seats(1).value();
  wake_one_worker(*seats);
  EXPECT_EQ(seats->signal, 0u);
  sync::enter(seats->workers);
  wake_one_worker(*seats);
  EXPECT_EQ(seats->signal, 1u);
  wake_all_workers(*seats);
  EXPECT_EQ(seats->signal, 2u);
}

TEST_F(SeatsTest, ForgetASleeperThatDied) {
  {
    Seats seats = make_seats(1).value();
    os::testing::Child child([&] {
      sync::enter(seats->workers);
      raise(SIGKILL);
      return 0;
    });
    child.collect();
    ASSERT_TRUE(sync::anyone(seats->workers));

    EXPECT_EQ(memory::reclaim_dead(), 1u);

    EXPECT_FALSE(sync::anyone(seats->workers));
  }
  expect_no_leak();
}

}  // namespace
}  // namespace onecopy::pool
