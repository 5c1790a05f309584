#include <onecopy/error.hpp>

#include <cerrno>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>

#include <gtest/gtest.h>

namespace onecopy {
namespace {

Result<int> halve(int number) {
  if (number % 2 != 0) return Failure{Error::invalid, 0, "odd"};
  return number / 2;
}

Result<void> check(bool fine) {
  if (!fine) return Error::full;
  return {};
}

TEST(Error, EachHasASentenceOfItsOwn) {
  std::set<std::string> sentences;
  for (int code = 0; code <= static_cast<int>(Error::system); ++code) {
    sentences.insert(describe(static_cast<Error>(code)));
  }
  EXPECT_EQ(sentences.size(), static_cast<std::size_t>(Error::system) + 1);
  EXPECT_EQ(sentences.count(describe(static_cast<Error>(200))), 0u);
}

TEST(Failure, ShowsItsMessageOrElseTheSentenceAndTheReason) {
  EXPECT_EQ((Failure{Error::full, 0, "the queue is full"}).text(), "the queue is full");
  EXPECT_EQ(Failure{Error::full}.text(), describe(Error::full));
  EXPECT_EQ((Failure{Error::permission, EPERM}).text(),
            std::string(describe(Error::permission)) + " (Operation not permitted)");
}

TEST(Result, HoldsAValue) {
  Result<int> result = halve(8);
  ASSERT_TRUE(result);
  EXPECT_TRUE(result.has_value());
  EXPECT_EQ(*result, 4);
  EXPECT_EQ(result.value(), 4);
  EXPECT_EQ(result.error(), Error::none);
  EXPECT_EQ(result.value_or_throw(), 4);
}

TEST(Result, HoldsAFailure) {
  const Result<int> result = halve(7);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error(), Error::invalid);
  EXPECT_EQ(result.failure().message, "odd");
}

TEST(Result, IsMadeFromACodeAlone) {
  const Result<std::string> result = Error::empty;
  EXPECT_EQ(result.error(), Error::empty);
  EXPECT_EQ(result.failure().system_errno, 0);
}

TEST(Result, CarriesWhatCanOnlyBeMoved) {
  Result<std::unique_ptr<int>> result = std::make_unique<int>(5);
  const std::unique_ptr<int> taken = std::move(result).value();
  EXPECT_EQ(*taken, 5);
  EXPECT_EQ(*Result<std::unique_ptr<int>>(std::make_unique<int>(6)).value_or_throw(), 6);
}

TEST(Result, IsAssignedWhateverItHolds) {
  const Result<std::string> value = std::string(100, 'v');
  const Result<std::string> failure = Failure{Error::full, 0, std::string(100, 'f')};
  Result<std::string> result = value;
  result = failure;
  EXPECT_EQ(result.failure().message, failure.failure().message);
  result = failure;
  EXPECT_EQ(result.error(), Error::full);
  result = value;
  EXPECT_EQ(*result, *value);
  result = std::string("other");
  EXPECT_EQ(*result, "other");
  const Result<std::string>& itself = result;
  result = itself;
  EXPECT_EQ(*result, "other");
  static_assert(!std::is_copy_constructible_v<Result<std::unique_ptr<int>>>);
  static_assert(!std::is_copy_assignable_v<Result<std::unique_ptr<int>>>);
}

TEST(Result, KeepsEachValueOnce) {
  const auto counted = std::make_shared<int>(7);
  {
    Result<std::shared_ptr<int>> first = counted;
    Result<std::shared_ptr<int>> second = Error::empty;
    second = first;
    EXPECT_EQ(counted.use_count(), 3);
    first = Error::full;
    EXPECT_EQ(counted.use_count(), 2);
    second = std::move(first);
    EXPECT_EQ(counted.use_count(), 1);
    first = counted;
    EXPECT_EQ(counted.use_count(), 2);
  }
  EXPECT_EQ(counted.use_count(), 1);
}

TEST(Result, IsAsBeforeOrAFailureWhereAnAssignmentThrows) {
  struct Fragile {
    explicit Fragile(int& left) : copies_left(left) {}
    Fragile(const Fragile& other) : copies_left(other.copies_left) {
      if (copies_left-- == 0) throw std::runtime_error("no more copies");
    }
    int& copies_left;
  };
  int copies_left = 2;
  Result<Fragile> result = Fragile(copies_left);
  const Result<Fragile> source = Fragile(copies_left);
  copies_left = 0;
  EXPECT_THROW(result = source, std::runtime_error);
  EXPECT_TRUE(result);
  copies_left = 1;
  EXPECT_THROW(result = source, std::runtime_error);
  EXPECT_EQ(result.error(), Error::invalid);
  copies_left = 2;
  result = source;
  EXPECT_TRUE(result);
}

TEST(Result, ConvertsToTheValueItIsDeclaredWith) {
  const Result<std::string> text = "text";
  EXPECT_EQ(text->size(), 4u);
}

TEST(Result, OfNothingIsDoneOrFailed) {
  EXPECT_TRUE(check(true));
  EXPECT_EQ(check(true).error(), Error::none);
  EXPECT_EQ(check(false).error(), Error::full);
  EXPECT_EQ(check(false).failure().code, Error::full);
  EXPECT_TRUE(Result<void>(Error::none));
  EXPECT_NO_THROW(check(true).value_or_throw());
}

TEST(Result, ThrowsWhatItCarries) {
  try {
    halve(7).value_or_throw();
    FAIL() << "nothing was thrown";
  } catch (const Exception& exception) {
    EXPECT_EQ(exception.error(), Error::invalid);
    EXPECT_STREQ(exception.what(), "odd");
    EXPECT_EQ(exception.failure().message, "odd");
  }
  EXPECT_THROW(check(false).value_or_throw(), Exception);
  Result<int> named = halve(7);
  EXPECT_THROW(named.value_or_throw(), Exception);
}

TEST(ResultDeathTest, AbortsWhenMisused) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_DEATH(halve(7).value(), "value and failure");
  EXPECT_DEATH(static_cast<void>(halve(8).failure()), "value and failure");
  EXPECT_DEATH(check(false).value(), "value and failure");
  EXPECT_DEATH(static_cast<void>(check(true).failure()), "value and failure");
  EXPECT_DEATH(static_cast<void>(Result<int>{Error::none}), "other than none");
}

}  // namespace
}  // namespace onecopy
