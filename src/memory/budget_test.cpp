// Every case in a process and a family of its own. The machine's own limit moves while others take
// memory: what is asked of it is far from where it is.
#include "memory/budget.hpp"

#include <gtest/gtest.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cerrno>
#include <string>

#include "memory/block.hpp"
#include "memory/family.hpp"
#include "memory/local.hpp"
#include "os/limits.hpp"
#include "os/testing.hpp"
#include "testing/fresh_process.hpp"

namespace onecopy::memory {
namespace {

using onecopy::testing::in_fresh_process;

constexpr std::uint64_t kMegabyte = 1 << 20;

// Why that many bytes are refused; empty: they are not.
std::string refusal(std::uint64_t bytes) {
  auto granted = grant(bytes, nullptr);
  if (granted && *granted == Granted::measure_first) {
    const os::MemoryLimit room = measure_room();
    granted = grant(bytes, &room);
  }
  if (granted) return {};
  EXPECT_EQ(granted.error(), Error::no_memory);
  return granted.failure().text();
}

TEST(Budget, HoldsToTheLimitOfTheFamilyToTheByte) {
  in_fresh_process([] {
    ASSERT_TRUE(join_family());
    header().limit = header().resident + 3 * kMegabyte;
    EXPECT_EQ(refusal(3 * kMegabyte), "");
    EXPECT_EQ(refusal(3 * kMegabyte + 1),
              "4 MiB more shared memory would not fit: ONECOPY_MEMORY_LIMIT leaves 3 MiB; "
              "take messages out or drop arrays first, or allow more");
    header().resident += 4 * kMegabyte;
    EXPECT_EQ(refusal(1),
              "1 MiB more shared memory would not fit: ONECOPY_MEMORY_LIMIT leaves 0 MiB; "
              "take messages out or drop arrays first, or allow more");
    header().resident -= 4 * kMegabyte;
  });
}

TEST(Budget, NamesTheLimitOfTheSystem) {
  in_fresh_process([] {
    ASSERT_TRUE(join_family());
    const std::string why = refusal(std::uint64_t{1} << 60);
    EXPECT_NE(why.find(os::memory_available().name), std::string::npos) << why;
  });
}

TEST(Budget, LeavesSomeMemoryToTheRestOfTheMachine) {
  in_fresh_process([] {
    ASSERT_TRUE(join_family());
    // As long as others take or free as much as that meanwhile, the answer says nothing.
    for (bool steady = false; !steady;) {
      header().granted = 0;
      const std::uint64_t before = os::memory_available().bytes;
      ASSERT_GT(before, 64 * kMegabyte) << "this machine is too small for the test";
      const std::string why = refusal(before - 32 * kMegabyte);
      const std::uint64_t after = os::memory_available().bytes;
      steady = std::max(before, after) - std::min(before, after) < 16 * kMegabyte;
      EXPECT_TRUE(!steady || !why.empty());
    }
  });
}

TEST(Budget, IsGrantedAheadSoThatTheSystemIsNotAskedEachTime) {
  in_fresh_process([] {
    ASSERT_TRUE(join_family());
    header().granted = 0;
    ASSERT_EQ(refusal(4096), "");
    const std::uint64_t ahead = header().granted;
    EXPECT_GT(ahead, 0u);
    EXPECT_LT(ahead, 256 * kMegabyte);
    EXPECT_EQ(grant(ahead, nullptr).value(), Granted::yes) << "nothing need be measured";
    EXPECT_EQ(grant(1, nullptr).value(), Granted::measure_first);
    EXPECT_EQ(refusal(1), "");
    EXPECT_GT(header().granted, 0u);
  });
}

TEST(Budget, IsNotSpentByWhatIsRefused) {
  in_fresh_process([] {
    ASSERT_TRUE(join_family());
    ASSERT_EQ(refusal(4096), "");
    const std::uint64_t ahead = header().granted;
    EXPECT_NE(refusal(std::uint64_t{1} << 60), "");
    EXPECT_EQ(header().granted, ahead);
  });
}

// Without memfd the arena lies in /dev/shm, which has a size of its own.
TEST(Budget, EndsWhereDevShmEnds) {
  in_fresh_process([] {
    ASSERT_TRUE(os::testing::deny_system_calls({SYS_memfd_create}, EPERM));
    ASSERT_TRUE(join_family());
    ASSERT_TRUE(local().file.is_bounded());
    const std::uint64_t room = local().file.room().value();
    const os::MemoryLimit available = os::memory_available();
    const std::string why = refusal(room + 64 * kMegabyte);
    const bool names_shm = why.find("the size of /dev/shm") != std::string::npos;
    const bool names_system = why.find(available.name) != std::string::npos;
    // The tighter of the two; where they are close nobody can say beforehand which that is.
    EXPECT_TRUE(names_shm || (names_system && room + 256 * kMegabyte > available.bytes)) << why;
  });
}

}  // namespace
}  // namespace onecopy::memory
