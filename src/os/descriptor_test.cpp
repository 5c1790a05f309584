#include "os/descriptor.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <string_view>
#include <vector>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include "os/memory_file.hpp"
#include "os/testing.hpp"

namespace onecopy::os {
namespace {

using testing::Child;

bool is_open(int fd) { return fcntl(fd, F_GETFD) >= 0; }
bool closes_at_exec(const Descriptor& fd) { return (fcntl(fd.get(), F_GETFD) & FD_CLOEXEC) != 0; }
bool blocks(const Descriptor& fd) { return (fcntl(fd.get(), F_GETFL) & O_NONBLOCK) == 0; }

TEST(Descriptor, ClosesWhatItOwns) {
  int number;
  {
    const Descriptor owner = event_descriptor().value();
    number = owner.get();
    EXPECT_TRUE(is_open(number));
  }
  EXPECT_FALSE(is_open(number));
}

TEST(Descriptor, ChecksThatThereIsRoomAndTakesNone) {
  const auto status = testing::run_in_child([] {
    const int next = event_descriptor().value().get();
    const rlim_t limit = static_cast<rlim_t>(next) + 3;  // three more
    const rlimit limits{limit, limit};
    setrlimit(RLIMIT_NOFILE, &limits);
    if (!check_room_for(3) || !check_room_for(0)) return 1;
    if (check_room_for(4).error() != Error::too_many) return 2;
    return event_descriptor().value().get() == next ? 0 : 3;
  });
  EXPECT_EQ(status.as_exit_code(), 0);
}

TEST(Descriptor, MovesAndReleases) {
  Descriptor first = event_descriptor().value();
  const int number = first.get();
  Descriptor second = std::move(first);
  EXPECT_FALSE(first.valid());  // NOLINT(bugprone-use-after-move): that is what is tested.
  EXPECT_EQ(second.get(), number);
  EXPECT_EQ(second.release(), number);
  EXPECT_FALSE(second.valid());
  EXPECT_TRUE(is_open(number));
  second.reset(number);
  second.reset();
  EXPECT_FALSE(is_open(number));
}

TEST(Descriptor, LeavesErrnoAloneWhenItCloses) {
  errno = ENOSPC;
  {
    const Descriptor not_open(1 << 20);
  }
  EXPECT_EQ(errno, ENOSPC);
}

TEST(StreamPair, CarriesBytesBothWaysAndEndsAtExec) {
  auto [one, other] = stream_pair().value();
  EXPECT_TRUE(closes_at_exec(one) && closes_at_exec(other));
  EXPECT_TRUE(blocks(one) && blocks(other));
  std::array<char, 8> buffer;
  EXPECT_EQ(write_some(one.get(), "ab", 2).value(), 2u);
  EXPECT_EQ(read_some(other.get(), buffer.data(), buffer.size()).value(), 2u);
  EXPECT_EQ(write_some(other.get(), "cde", 3).value(), 3u);
  EXPECT_EQ(read_some(one.get(), buffer.data(), buffer.size()).value(), 3u);
  EXPECT_EQ(std::memcmp(buffer.data(), "cde", 3), 0);
}

TEST(StreamPair, CanBeMadeNotToBlock) {
  auto [one, other] = stream_pair(true).value();
  EXPECT_FALSE(blocks(one) || blocks(other));
  char byte;
  EXPECT_EQ(read_some(one.get(), &byte, 1).error(), Error::empty);
}

TEST(PipePair, GoesFromSecondToFirst) {
  auto [reading, writing] = pipe_pair().value();
  EXPECT_TRUE(closes_at_exec(reading) && closes_at_exec(writing));
  ASSERT_EQ(write_some(writing.get(), "x", 1).value(), 1u);
  char byte;
  EXPECT_EQ(read_some(reading.get(), &byte, 1).value(), 1u);
  EXPECT_EQ(write_some(reading.get(), "x", 1).error(), Error::closed);
}

TEST(EventDescriptor, IsReadableWhileItIsNotZero) {
  const Descriptor bell = event_descriptor().value();
  EXPECT_TRUE(closes_at_exec(bell));
  std::uint64_t count = 0;
  EXPECT_EQ(read_some(bell.get(), &count, sizeof count).error(), Error::empty);
  EXPECT_TRUE(poll_one(bell.get(), true, false, Deadline::at(0)).timed_out);

  const std::uint64_t one = 1;
  ASSERT_TRUE(write_some(bell.get(), &one, sizeof one));
  ASSERT_TRUE(write_some(bell.get(), &one, sizeof one));

  EXPECT_TRUE(poll_one(bell.get(), true, false, Deadline::never()).readable);
  EXPECT_EQ(read_some(bell.get(), &count, sizeof count).value(), sizeof count);
  EXPECT_EQ(count, 2u);
  EXPECT_TRUE(poll_one(bell.get(), true, false, Deadline::at(0)).timed_out);
}

TEST(Duplicate, IsTheSameFileByAnotherNumber) {
  const Descriptor bell = event_descriptor().value();
  const Descriptor copy = duplicate(bell.get()).value();
  EXPECT_NE(copy.get(), bell.get());
  EXPECT_TRUE(closes_at_exec(copy));
  EXPECT_EQ(identify(copy.get()).value(), identify(bell.get()).value());
  EXPECT_EQ(duplicate(-1).error(), Error::closed);
}

TEST(SetInheritable, DecidesWhatExecCloses) {
  const Descriptor bell = event_descriptor().value();
  ASSERT_TRUE(set_inheritable(bell.get(), true));
  EXPECT_FALSE(closes_at_exec(bell));
  ASSERT_TRUE(set_inheritable(bell.get(), false));
  EXPECT_TRUE(closes_at_exec(bell));
  EXPECT_EQ(set_inheritable(-1, true).error(), Error::closed);
}

TEST(Identify, TellsWhenANumberMeansSomethingElse) {
  auto [reading, writing] = pipe_pair().value();
  const FileIdentity before = identify(reading.get()).value();
  auto [other, unused] = pipe_pair().value();
  ASSERT_EQ(dup2(other.get(), reading.get()), reading.get());
  EXPECT_NE(identify(reading.get()).value(), before);
  EXPECT_EQ(identify(1 << 20).error(), Error::closed);
}

TEST(Limits, TooManyDescriptorsIsAValue) {
  const auto status = testing::run_in_child([] {
    const rlimit none{0, 0};
    setrlimit(RLIMIT_NOFILE, &none);
    if (stream_pair().error() != Error::too_many) return 1;
    if (pipe_pair().error() != Error::too_many) return 2;
    if (event_descriptor().error() != Error::too_many) return 3;
    return 0;
  });
  EXPECT_EQ(status.as_exit_code(), 0);
}

TEST(PollOne, WaitsForBytes) {
  auto [one, other] = stream_pair().value();
  Child writer([&, &one = one] { return write_some(one.get(), "x", 1) ? 0 : 1; });
  const Poll poll = poll_one(other.get(), true, false, Deadline::never());
  EXPECT_TRUE(poll.readable);
  EXPECT_FALSE(poll.writable || poll.invalid || poll.timed_out || poll.interrupted);
  EXPECT_TRUE(writer.collect().success());
}

TEST(PollOne, TellsWhetherThereIsRoom) {
  auto [one, other] = stream_pair(true).value();
  EXPECT_TRUE(poll_one(one.get(), false, true, Deadline::never()).writable);
  const std::vector<char> much(1 << 20);
  while (write_some(one.get(), much.data(), much.size())) {
  }
  EXPECT_EQ(write_some(one.get(), much.data(), much.size()).error(), Error::full);
  const Poll poll = poll_one(one.get(), true, true, Deadline::at(0));
  EXPECT_TRUE(poll.timed_out);
  EXPECT_FALSE(poll.writable || poll.readable);
}

TEST(PollOne, SeesTheOtherEndGo) {
  auto [one, other] = stream_pair().value();
  one.reset();
  EXPECT_TRUE(poll_one(other.get(), false, false, Deadline::never()).hung_up);
  EXPECT_TRUE(poll_one(other.get(), true, false, Deadline::never()).readable);

  auto [reading, writing] = pipe_pair().value();
  writing.reset();
  const Poll end = poll_one(reading.get(), true, false, Deadline::never());
  EXPECT_TRUE(end.hung_up && end.readable);

  auto [gone, kept] = pipe_pair().value();
  gone.reset();
  const Poll broken = poll_one(kept.get(), false, true, Deadline::never());
  EXPECT_TRUE(broken.hung_up && broken.writable);
}

TEST(PollOne, WaitsAsLongAsAskedAndNoShorter) {
  auto [one, other] = stream_pair().value();
  const Deadline soon = Deadline::after(2 * kMillisecond);
  EXPECT_TRUE(poll_one(one.get(), true, false, soon).timed_out);
  EXPECT_TRUE(soon.expired());
}

TEST(PollOne, TellsOfASignal) {
  auto [one, other] = stream_pair().value();
  const testing::InterruptingSignal signal;
  Child waiter([&, &one = one] {
    return poll_one(one.get(), true, false, Deadline::never()).interrupted ? 0 : 1;
  });
  EXPECT_TRUE(waiter.signal_until_end(SIGUSR1).success());
}

TEST(PollOne, TellsOfANumberThatIsNotOpen) {
  EXPECT_TRUE(poll_one(1 << 20, true, false, Deadline::never()).invalid);
  EXPECT_TRUE(poll_one(-1, true, false, Deadline::never()).invalid);
}

TEST(PollMany, MarksThoseWhereSomethingHappened) {
  auto [quiet, quiet_end] = stream_pair().value();
  auto [loud, loud_end] = stream_pair().value();
  auto [gone, gone_end] = stream_pair().value();
  ASSERT_TRUE(write_some(loud_end.get(), "x", 1));
  gone_end.reset();
  std::vector<PollEntry> entries(3);
  entries[0] = {quiet.get(), true, false, {}};
  entries[1] = {loud.get(), true, false, {}};
  entries[2] = {gone.get(), true, false, {}};

  EXPECT_EQ(poll_many(entries, Deadline::never()).value(), 2u);

  EXPECT_FALSE(entries[0].found.readable || entries[0].found.hung_up);
  EXPECT_TRUE(entries[1].found.readable);
  EXPECT_FALSE(entries[1].found.hung_up);
  EXPECT_TRUE(entries[2].found.readable && entries[2].found.hung_up);
}

TEST(PollMany, CountsNumbersThatAreNotOpen) {
  auto [one, other] = stream_pair().value();
  std::vector<PollEntry> entries(3);
  entries[0] = {-1, true, false, {}};
  entries[1] = {1 << 20, true, false, {}};
  entries[2] = {one.get(), true, false, {}};
  EXPECT_EQ(poll_many(entries, Deadline::never()).value(), 2u);
  EXPECT_TRUE(entries[0].found.invalid);
  EXPECT_TRUE(entries[1].found.invalid);
  EXPECT_FALSE(entries[2].found.invalid);
}

TEST(PollMany, TimesOutAndIsInterrupted) {
  auto [one, other] = stream_pair().value();
  std::vector<PollEntry> entries(1);
  entries[0] = {one.get(), true, false, {}};
  EXPECT_EQ(poll_many(entries, Deadline::at(0)).error(), Error::timed_out);
  const testing::InterruptingSignal signal;
  Child waiter(
      [&] { return poll_many(entries, Deadline::never()).error() == Error::interrupted ? 0 : 1; });
  EXPECT_TRUE(waiter.signal_until_end(SIGUSR1).success());
}

TEST(ReadSome, FindsTheEndAfterTheLastByte) {
  auto [one, other] = stream_pair().value();
  ASSERT_TRUE(write_some(one.get(), "x", 1));
  one.reset();
  char byte;
  EXPECT_EQ(read_some(other.get(), &byte, 1).value(), 1u);
  EXPECT_EQ(read_some(other.get(), &byte, 1).value(), 0u);
}

TEST(ReadSome, TellsOfAPeerThatLeftBytesUnread) {
  auto [one, other] = stream_pair().value();
  ASSERT_TRUE(write_some(one.get(), "x", 1));
  other.reset();
  char byte;
  EXPECT_EQ(read_some(one.get(), &byte, 1).error(), Error::broken_pipe);
}

TEST(ReadAt, ReadsFromAPlaceAndShortAtTheEnd) {
  MemoryFile file = MemoryFile::create("test", 4096).value_or_throw();
  ASSERT_TRUE(file.write_at(4094, "xy", 2));
  char bytes[4];
  EXPECT_EQ(read_at(file.descriptor(), 4094, bytes, sizeof bytes).value(), 2u);
  EXPECT_EQ(std::string_view(bytes, 2), "xy");
  EXPECT_EQ(read_at(file.descriptor(), 5000, bytes, sizeof bytes).value(), 0u);
}

TEST(ReadAt, RefusesWhatHasNoPlaces) {
  auto [one, other] = stream_pair().value();
  char byte;
  EXPECT_EQ(read_at(one.get(), 0, &byte, 1).failure().system_errno, ESPIPE);
}

TEST(ReadSome, TellsOfASignal) {
  auto [one, other] = stream_pair().value();
  const testing::InterruptingSignal signal;
  Child reader([&, &one = one] {
    char byte;
    return read_some(one.get(), &byte, 1).error() == Error::interrupted ? 0 : 1;
  });
  EXPECT_TRUE(reader.signal_until_end(SIGUSR1).success());
}

TEST(ReadSome, TellsOfANumberThatIsNotOpen) {
  char byte;
  EXPECT_EQ(read_some(-1, &byte, 1).error(), Error::closed);
  EXPECT_EQ(write_some(-1, &byte, 1).error(), Error::closed);
}

TEST(WriteSome, ToASocketWithoutReaderIsAValueAndNoSignal) {
  const auto status = testing::run_in_child([] {
    signal(SIGPIPE, SIG_DFL);
    auto [one, other] = stream_pair().value();
    other.reset();
    return write_some(one.get(), "x", 1).error() == Error::broken_pipe ? 0 : 1;
  });
  EXPECT_TRUE(status.success());
}

TEST(WriteSome, ToAPipeWithoutReaderFollowsTheProcess) {
  const auto writes = [](auto handler) {
    return testing::run_in_child([=] {
      signal(SIGPIPE, handler);
      auto [reading, writing] = pipe_pair().value();
      reading.reset();
      return write_some(writing.get(), "x", 1).error() == Error::broken_pipe ? 0 : 1;
    });
  };
  EXPECT_TRUE(writes(SIG_IGN).success());
  EXPECT_EQ(writes(SIG_DFL).signal, SIGPIPE);
}

}  // namespace
}  // namespace onecopy::os
