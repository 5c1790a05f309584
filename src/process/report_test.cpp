#include "process/report.hpp"

#include <csignal>
#include <string>

#include <gtest/gtest.h>

#include "os/descriptor.hpp"
#include "os/own_descriptors.hpp"
#include "os/system.hpp"

namespace onecopy::process {
namespace {

TEST(Report, SaysWhoIsBornAndHowItEnded) {
  auto [mine, theirs] = os::own_stream_pair().value_or_throw();
  EXPECT_EQ(hear(mine.get(), os::Deadline::at(0)).error(), Error::timed_out);
  tell(theirs.get(), born());
  tell(theirs.get(), ended(77, -SIGTERM));
  const Report first = hear(mine.get(), os::Deadline::never()).value_or_throw();
  EXPECT_EQ(first.kind, Report::Kind::born);
  EXPECT_EQ(first.child, os::identify_self());
  const Report second = hear(mine.get(), os::Deadline::never()).value_or_throw();
  EXPECT_EQ(second.kind, Report::Kind::ended);
  EXPECT_EQ(second.child.pid, 77);
  EXPECT_EQ(code_in(second).value_or_throw(), -SIGTERM);
}

TEST(Report, SaysWhyThereIsNoCode) {
  const Result<int> code =
      code_in(ended(77, Failure{Error::closed, 10, "it was collected by somebody else"}));
  EXPECT_EQ(code.error(), Error::closed);
  EXPECT_EQ(code.failure().message, "it was collected by somebody else");
}

TEST(Report, SaysWhyThereIsNoChildAsFarAsThereIsRoom) {
  const std::string reason(1000, 'x');
  const Failure why = refusal_in(refused({Error::too_many, 24, reason}));
  EXPECT_EQ(why.code, Error::too_many);
  EXPECT_EQ(why.system_errno, 24);
  EXPECT_EQ(why.message, reason.substr(0, kLongestRefusal));
}

TEST(Report, IsHeardOfTheDeadFirst) {
  auto [mine, theirs] = os::own_stream_pair().value_or_throw();
  tell(theirs.get(), ended(77, 3));
  theirs.reset();
  EXPECT_EQ(code_in(hear(mine.get(), os::Deadline::never()).value_or_throw()).value_or_throw(), 3);
  EXPECT_EQ(hear(mine.get(), os::Deadline::never()).error(), Error::end_of_stream);
}

TEST(Report, ToNobodyIsNoError) {
  auto [mine, theirs] = os::own_stream_pair().value_or_throw();
  mine.reset();
  tell(theirs.get(), born());
}

TEST(Report, IsNotReadFromAFileThatGotTheNumberOfTheLine) {
  auto [mine, theirs] = os::own_stream_pair().value_or_throw();
  os::Descriptor(mine.get()).reset();  // the program, behind our back
  const auto other = os::stream_pair().value_or_throw();
  ASSERT_EQ(other.first.get(), mine.get()) << "the lowest number that is free";
  EXPECT_EQ(hear(mine.get(), os::Deadline::never()).error(), Error::end_of_stream);
}

}  // namespace
}  // namespace onecopy::process
