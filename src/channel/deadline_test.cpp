// include/onecopy/deadline.hpp.
#include <onecopy/deadline.hpp>

#include <chrono>
#include <cstdint>
#include <limits>
#include <ratio>

#include <gtest/gtest.h>

namespace onecopy::detail {
namespace {

using namespace std::chrono_literals;

template <class T, class Unit = std::ratio<1>>
using Time = std::chrono::duration<T, Unit>;

TEST(Deadline, IsCountedInNanosecondsWhateverTheUnit) {
  EXPECT_EQ(nanoseconds(7ns), 7);
  EXPECT_EQ(nanoseconds(3us), 3'000);
  EXPECT_EQ(nanoseconds(2min), 120'000'000'000);
  EXPECT_EQ(nanoseconds(Time<double>(0.5)), 500'000'000);
  EXPECT_EQ(nanoseconds(Time<double, std::milli>(0.1)), 100'000);
  EXPECT_EQ(nanoseconds(Time<float>(0.25f)), 250'000'000);
  EXPECT_EQ(nanoseconds(Time<unsigned char, std::deci>(255)), 25'500'000'000);
  EXPECT_EQ(nanoseconds(Time<int, std::ratio<1001, 30000>>(30)), 1'001'000'000);
  EXPECT_EQ(nanoseconds(Time<int, std::ratio<1, 4>>(3)), 750'000'000);
}

TEST(Deadline, IsRoundedUp) {
  EXPECT_EQ(nanoseconds(Time<int, std::pico>(1)), 1);
  EXPECT_EQ(nanoseconds(Time<int, std::pico>(1001)), 2);
  EXPECT_EQ(nanoseconds(Time<std::int64_t, std::atto>(999'999'999'000'000'001)), 1'000'000'000);
  EXPECT_EQ(nanoseconds(Time<double>(1.5e-9)), 2);
}

TEST(Deadline, IsAskedOfDurationsAndPointsInTimeOnly) {
  static_assert(Duration<std::chrono::milliseconds> && Duration<Time<float, std::nano>>);
  static_assert(TimePoint<std::chrono::steady_clock::time_point>);
  static_assert(TimePoint<std::chrono::time_point<std::chrono::system_clock, std::chrono::hours>>);
  static_assert(!Duration<int> && !Duration<std::chrono::steady_clock::time_point>);
  static_assert(!TimePoint<int> && !TimePoint<std::chrono::milliseconds>);
}

TEST(Deadline, OfATimeThatIsNotPositiveIsNow) {
  EXPECT_EQ(nanoseconds(0s), 0);
  EXPECT_EQ(nanoseconds(-5s), 0);
  EXPECT_EQ(nanoseconds(Time<double>(-1e300)), 0);
  EXPECT_EQ(nanoseconds(Time<double>(std::numeric_limits<double>::quiet_NaN())), 0);
}

TEST(Deadline, OfATimeTooLongToCountIsNever) {
  EXPECT_EQ(nanoseconds(std::chrono::hours::max()), kForever);
  EXPECT_EQ(nanoseconds(Time<std::uint64_t>(~std::uint64_t{0})), kForever);
  EXPECT_EQ(nanoseconds(Time<double>(std::numeric_limits<double>::infinity())), kForever);
  EXPECT_EQ(nanoseconds(Time<double>(1e300)), kForever);
  EXPECT_EQ(nanoseconds(std::chrono::hours(24 * 365)), 31'536'000'000'000'000) << "but not a year";
}

TEST(Deadline, OfZeroIsMissedNotRefused) {
  EXPECT_EQ(timed(Result<int>(Error::empty)).error(), Error::timed_out);
  EXPECT_EQ(timed(Result<void>(Error::full)).error(), Error::timed_out);
  EXPECT_EQ(timed(Result<int>(Error::end_of_stream)).error(), Error::end_of_stream);
  EXPECT_EQ(timed(Result<int>(5)).value(), 5);
  EXPECT_TRUE(timed(Result<void>()));
}

}  // namespace
}  // namespace onecopy::detail
