// Every case runs in a process of its own: a family is made once in a process.
#include "memory/member.hpp"

#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <vector>

#include "memory/block.hpp"
#include "memory/census.hpp"
#include "memory/local.hpp"
#include "memory/owner.hpp"
#include "memory/validate.hpp"
#include "os/testing.hpp"
#include "testing/fresh_process.hpp"
#include "testing/watchdog.hpp"

namespace onecopy::memory {
namespace {

using onecopy::testing::ended_well;
using onecopy::testing::in_fresh_process;
using onecopy::testing::kill_process;
using onecopy::testing::start_process;
using onecopy::testing::Watchdog;
using os::testing::Shared;

std::size_t members() { return take_census().members.size(); }

// As if that much time had passed since the place was reserved.
void let_time_pass(Ticket ticket, os::Nanoseconds length) {
  member_record(ticket.slot).joined_at -= static_cast<std::uint64_t>(length);
}

// What a child tells of a place; the generation of a place that is taken is never 0.
Ticket wait_for_ticket(const std::atomic<Ticket>& told) {
  static_assert(std::atomic<Ticket>::is_always_lock_free);
  for (;;) {
    const Ticket ticket = told.load(std::memory_order_acquire);
    if (ticket.generation != 0) return ticket;
  }
}

TEST(Member, HasAPlaceFromItsParentsForkOn) {
  in_fresh_process([] {
    ASSERT_TRUE(join_family());
    EXPECT_EQ(members(), 1u);
    EXPECT_EQ(self(), 0u);
    const pid_t child = start_process([] {
      EXPECT_TRUE(in_family());
      EXPECT_EQ(self(), 1u);
      EXPECT_EQ(take_census().members[1].pid, getpid());
    });
    EXPECT_TRUE(ended_well(child));
    EXPECT_EQ(reclaim_dead(), 1u);
    EXPECT_EQ(members(), 1u);
  });
}

TEST(Member, InAPlaceUsedAgainIsAnother) {
  in_fresh_process([] {
    ASSERT_TRUE(join_family());
    std::uint32_t last = 0;
    for (int i = 0; i < 5; ++i) {
      const Ticket place = reserve_place().value();
      EXPECT_EQ(place.slot, 1u);
      EXPECT_GT(place.generation, last);
      EXPECT_TRUE(lives_as(place.slot, place.generation));
      EXPECT_FALSE(lives_as(place.slot, last));
      last = place.generation;
      release_place(place);
      EXPECT_FALSE(lives_as(place.slot, place.generation));
      EXPECT_FALSE(is_taken(place.slot));
    }
  });
}

TEST(Member, IsKnownByItsNameBeforeItIsBorn) {
  in_fresh_process([] {
    ASSERT_TRUE(join_family());
    const Ticket place = reserve_place().value();
    EXPECT_TRUE(is_living(place.slot)) << "as long as the one who reserved it lives";
    const pid_t child = start_process([] { pause(); });
    name_newcomer(place, child);
    EXPECT_TRUE(is_living(place.slot));
    kill_process(child);
    EXPECT_FALSE(is_living(place.slot));
    EXPECT_EQ(reclaim_dead(), 2u) << "the place by ticket, and the one that the fork reserved";
    EXPECT_EQ(members(), 1u);
  });
}

TEST(Member, UnbornOutlivesTheOneWhoReservedItForAWhile) {
  in_fresh_process([] {
    ASSERT_TRUE(join_family());
    Shared<std::atomic<Ticket>> told;
    const pid_t child = start_process([&] {
      *told = reserve_place().value();
      pause();
    });
    const Ticket place = wait_for_ticket(*told);
    kill_process(child);
    EXPECT_EQ(reclaim_dead(), 1u);
    EXPECT_TRUE(is_living(place.slot)) << "it may be about to come";
    let_time_pass(place, 11 * os::kSecond);
    EXPECT_EQ(reclaim_dead(), 1u);
    EXPECT_FALSE(occupy(place)) << "who comes now comes too late";
    EXPECT_EQ(members(), 1u);
  });
}

// A fork that failed ran the hooks all the same, and its place was kept for as long as the parent
// lived: a program short of processes filled its family with nobody.
TEST(Member, IsNotMadeByAForkThatFails) {
  in_fresh_process([] {
    ASSERT_TRUE(join_family());
    const BlockIndex block = allocate_block(100).value();
    retain_view(block);
    ASSERT_TRUE(os::testing::deny_system_calls({SYS_clone, SYS_clone3, SYS_fork}, EAGAIN));
    for (int i = 0; i < 3; ++i) {
      errno = 0;
      EXPECT_EQ(fork(), -1);
      EXPECT_EQ(errno, EAGAIN);
    }
    EXPECT_EQ(reclaim_dead(), 3u);
    EXPECT_EQ(members(), 1u);
    release_view(block);
    EXPECT_EQ(take_census().blocks_in_use, 0u);
  });
}

// A process that calls exec runs on under its old identity, but all it had of the family is gone.
// Once it was thought alive, and what it held with it: a lock of another thread's for ever.
TEST(Member, IsDeadToTheFamilyWhenItCallsExec) {
  in_fresh_process([] {
    const Watchdog watchdog("exec", 100);
    ASSERT_TRUE(join_family());
    Shared<OwnerLock> lock;
    const auto ends = os::pipe_pair().value();
    const pid_t child = start_process([&] {
      allocate_block(100).value();
      ASSERT_EQ(memory::lock(*lock), Acquired::clean);
      dup2(ends.first.get(), 0);
      execl("/bin/cat", "cat", nullptr);
    });
    while (lock->word.load() == 0) {
    }
    EXPECT_EQ(memory::lock(*lock), Acquired::from_dead);
    unlock(*lock);
    EXPECT_EQ(reclaim_dead(), 1u);
    EXPECT_EQ(take_census().blocks_in_use, 0u);
    EXPECT_EQ(kill(child, 0), 0) << "it lives on as another program";
    kill_process(child);
  });
}

// Programs close descriptors that they do not know: daemons all of them.
TEST(Member, LivesOnWhenItClosesAllItsDescriptors) {
  in_fresh_process([] {
    const Watchdog watchdog("close", 100);
    ASSERT_TRUE(join_family());
    Shared<std::atomic<bool>> closed;
    Shared<OwnerLock> lock;
    const pid_t child = start_process([&] {
      allocate_block(100).value();
      ASSERT_EQ(memory::lock(*lock), Acquired::clean);
      ASSERT_EQ(syscall(SYS_close_range, 0u, ~0u, 0u), 0);
      *closed = true;
      pause();
    });
    while (!*closed) {
    }
    EXPECT_EQ(lock_if_free_or_dead(*lock), Acquired::busy);
    EXPECT_EQ(reclaim_dead(), 0u);
    EXPECT_EQ(members(), 2u);
    kill_process(child);
    EXPECT_EQ(reclaim_dead(), 1u);
  });
}

TEST(Member, LivesWhileItIsStopped) {
  in_fresh_process([] {
    ASSERT_TRUE(join_family());
    const pid_t child = start_process([] { raise(SIGSTOP); });
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, WUNTRACED), child);
    EXPECT_EQ(reclaim_dead(), 0u);
    kill(child, SIGCONT);
    EXPECT_TRUE(ended_well(child));
    EXPECT_EQ(reclaim_dead(), 1u);
  });
}

TEST(Member, IsDeadAsAZombie) {
  in_fresh_process([] {
    ASSERT_TRUE(join_family());
    const pid_t child = start_process([] {});
    siginfo_t info;
    ASSERT_EQ(waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT), 0);
    EXPECT_EQ(reclaim_dead(), 1u);
    EXPECT_TRUE(ended_well(child));
  });
}

TEST(Member, IsRefusedByAFullFamilyAndWelcomeWhenOthersAreGone) {
  in_fresh_process([] {
    ASSERT_TRUE(join_family());
    std::vector<Ticket> places;
    while (places.size() < kMaxMembers - 1) places.push_back(reserve_place().value());
    const auto refused = reserve_place();
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error(), Error::too_many);
    EXPECT_NE(refused.failure().text().find("1024 processes"), std::string::npos);
    release_place(places[500]);
    EXPECT_TRUE(ended_well(start_process([] {
      EXPECT_TRUE(in_family());
      EXPECT_EQ(self(), 501u);
    })));
    // A place of the dead is found when there is no other.
    EXPECT_TRUE(reserve_place());
    for (const Ticket place : places) release_place(place);
    EXPECT_EQ(members(), 2u) << "this process, and the place reserved last";
  });
}

// A child for which there was no place has all that its parent had before its eyes. Once it took
// the locks without a name, that is not at all, and freed its parent's blocks.
TEST(Member, IsNotWhoWasForkedWhenTheFamilyWasFull) {
  in_fresh_process([] {
    ASSERT_TRUE(join_family());
    std::vector<Ticket> places;
    while (places.size() < kMaxMembers - 1) places.push_back(reserve_place().value());
    const BlockIndex viewed = allocate_block(100).value();
    const BlockIndex held = allocate_block(100).value();
    retain_view(viewed);
    block_data(viewed)[0] = std::byte{1};
    EXPECT_TRUE(ended_well(start_process([&] {
      EXPECT_FALSE(in_family());
      const auto joined = join_family();
      EXPECT_EQ(joined.error(), Error::too_many);
      EXPECT_NE(joined.failure().text().find("full"), std::string::npos);
      EXPECT_FALSE(allocate_block(100));
      EXPECT_EQ(reclaim_dead(), 0u);
      EXPECT_EQ(block_data(viewed)[0], std::byte{1});
      release_view(viewed);
      release_block(held);
      EXPECT_FALSE(fork() != 0 && in_family());
    })));
    EXPECT_EQ(owner_of(viewed), OwnerWord::held(self()));
    EXPECT_EQ(owner_of(held), OwnerWord::held(self()));
    EXPECT_EQ(validate_memory(), "");
    release_view(viewed);
    release_block(held);
    EXPECT_EQ(take_census().blocks_in_use, 0u);
  });
}

TEST(Member, ComesToLifeOnlyInAPlaceThatIsKept) {
  in_fresh_process([] {
    ASSERT_TRUE(join_family());
    const Ticket place = reserve_place().value();
    EXPECT_TRUE(give_up(place));
    EXPECT_FALSE(give_up(place));
    EXPECT_FALSE(occupy(place));
    EXPECT_FALSE(is_living(place.slot));
    EXPECT_TRUE(is_taken(place.slot)) << "until what it held is taken back";
    EXPECT_EQ(reclaim_dead(), 1u) << "by whoever looks next, if who gave it up died";
    EXPECT_FALSE(is_taken(place.slot));
  });
}

// A process that was stopped on its way into a place wrote its identity over that of whoever had
// been given the place meanwhile, who then counted as dead when the late one ended.
TEST(Member, ThatComesLateDoesNotPassForTheNextOne) {
  in_fresh_process([] {
    ASSERT_TRUE(join_family());
    const Ticket place = reserve_place().value();
    release_place(place);
    const Ticket next = reserve_place().value();
    ASSERT_EQ(next.slot, place.slot);
    EXPECT_FALSE(occupy(place));
    EXPECT_EQ(pid_of(next.slot), 0) << "nobody has come yet";
    EXPECT_TRUE(occupy(next));
    EXPECT_EQ(pid_of(next.slot), getpid());
  });
}

TEST(Member, ThatCameToLifeIsNotGivenUp) {
  in_fresh_process([] {
    ASSERT_TRUE(join_family());
    Shared<std::atomic<Ticket>> told;
    const pid_t child = start_process([&] {
      *told = Ticket{self(), generation_of(self())};
      pause();
    });
    const Ticket place = wait_for_ticket(*told);
    EXPECT_FALSE(give_up(place));
    release_place(place);
    EXPECT_TRUE(is_living(place.slot));
    EXPECT_FALSE(find_dead(place.slot));
    kill_process(child);
    EXPECT_TRUE(find_dead(place.slot));
    EXPECT_EQ(reclaim_dead(), 1u);
  });
}

// The next in a slot starts with clean figures and nothing held.
TEST(Member, InheritsNothingFromTheOneBeforeInItsSlot) {
  in_fresh_process([] {
    ASSERT_TRUE(join_family());
    EXPECT_TRUE(ended_well(start_process([] {
      allocate_block(100).value();
      *trace_record(self()) = std::byte{9};
    })));
    reclaim_dead();
    EXPECT_TRUE(ended_well(start_process([] {
      EXPECT_EQ(self(), 1u);
      EXPECT_EQ(*trace_record(self()), std::byte{0});
      EXPECT_EQ(take_census().members[1].blocks, 0u);
    })));
  });
}

}  // namespace
}  // namespace onecopy::memory
