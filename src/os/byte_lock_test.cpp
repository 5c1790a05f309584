#include "os/byte_lock.hpp"

#include <csignal>

#include <gtest/gtest.h>
#include <unistd.h>

#include "os/memory_file.hpp"
#include "os/testing.hpp"

namespace onecopy::os {
namespace {

using testing::Child;
using testing::run_in_child;

MemoryFile make_file() { return std::move(MemoryFile::create("test", 4096).value()); }

bool is_held(const MemoryFile& file, std::uint64_t offset) {
  return is_byte_held(file.descriptor(), offset).value();
}

TEST(ByteLock, HoldsOneByteUntilItIsClosed) {
  const MemoryFile file = make_file();
  Descriptor holder = hold_byte(file.descriptor(), 7).value();
  EXPECT_TRUE(is_held(file, 7));
  EXPECT_FALSE(is_held(file, 6));
  EXPECT_FALSE(is_held(file, 8));
  holder.reset();
  EXPECT_FALSE(is_held(file, 7));
}

TEST(ByteLock, MayLieBehindTheEndOfTheFile) {
  const MemoryFile file = make_file();
  const Descriptor holder = hold_byte(file.descriptor(), 1u << 30).value();
  EXPECT_TRUE(is_held(file, 1u << 30));
}

TEST(ByteLock, IsRefusedToTheSecond) {
  const MemoryFile file = make_file();
  const Descriptor holder = hold_byte(file.descriptor(), 7).value();
  EXPECT_EQ(hold_byte(file.descriptor(), 7).error(), Error::full);
  EXPECT_TRUE(hold_byte(file.descriptor(), 8));
}

TEST(ByteLock, MovesToAnotherByte) {
  const MemoryFile file = make_file();
  const Descriptor holder = hold_byte(file.descriptor(), 7).value();
  EXPECT_TRUE(move_byte(holder.get(), 7, 9));
  EXPECT_FALSE(is_held(file, 7));
  EXPECT_TRUE(is_held(file, 9));
}

TEST(ByteLock, StaysWhereTheOtherByteIsTaken) {
  const MemoryFile file = make_file();
  const Descriptor holder = hold_byte(file.descriptor(), 7).value();
  const Descriptor other = hold_byte(file.descriptor(), 9).value();
  EXPECT_EQ(move_byte(holder.get(), 7, 9).error(), Error::full);
  EXPECT_TRUE(is_held(file, 7));
}

TEST(ByteLock, IsHeldByAForkedChildWhenItsParentHasLetGo) {
  const MemoryFile file = make_file();
  Descriptor holder = hold_byte(file.descriptor(), 7).value();
  Child child([] {
    for (;;) pause();
    return 0;
  });
  holder.reset();
  EXPECT_TRUE(is_held(file, 7));
  child.kill();
  child.collect();
  EXPECT_FALSE(is_held(file, 7));
}

TEST(ByteLock, IsLetGoOfByTheKernelWhenItsHolderIsKilled) {
  const MemoryFile file = make_file();
  run_in_child([&] {
    const auto holder = hold_byte(file.descriptor(), 7);
    kill_self();
    return 0;
  });
  EXPECT_FALSE(is_held(file, 7));
}

TEST(ByteLock, IsLetGoOfAtExec) {
  const MemoryFile file = make_file();
  const auto ends = pipe_pair().value();
  Descriptor holder = hold_byte(file.descriptor(), 7).value();
  Child child([&] {
    char go;
    if (!read_some(ends.first.get(), &go, 1)) return 1;
    dup2(ends.first.get(), 0);
    execl("/bin/cat", "cat", nullptr);
    return 1;
  });
  holder.reset();
  EXPECT_TRUE(is_held(file, 7));
  EXPECT_TRUE(write_some(ends.second.get(), "!", 1));
  // The new program reads until it is killed: only the exec can end the holding.
  while (is_held(file, 7)) {
  }
  EXPECT_EQ(wait_process(child.pid(), Deadline::at(0)).error(), Error::timed_out);
}

TEST(ByteLock, SaysThatItCannotAskAboutAClosedDescriptor) {
  EXPECT_EQ(is_byte_held(-1, 0).error(), Error::closed);
  EXPECT_FALSE(hold_byte(-1, 0));
}

}  // namespace
}  // namespace onecopy::os
