// include/onecopy/pointer.hpp.
#include <onecopy/pointer.hpp>

#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace onecopy::detail {
namespace {

// Counts how many of it there are.
struct Base {
  explicit Base(int& number) : alive(number) { ++alive; }
  Base(const Base&) = delete;
  Base& operator=(const Base&) = delete;
  ~Base() { --alive; }
  int& alive;
};
struct Derived : Base {
  using Base::Base;
};

TEST(UniquePointer, FreesWhatItHasOnce) {
  int alive = 0;
  {
    UniquePointer<Base> first = make_unique_pointer<Base>(alive);
    UniquePointer<Base> second = std::move(first);
    EXPECT_EQ(alive, 1);
    EXPECT_EQ(&second->alive, &alive);
    first = make_unique_pointer<Base>(alive);
    EXPECT_EQ(alive, 2);
    first = std::move(second);
    EXPECT_EQ(alive, 1);
    UniquePointer<Base>& itself = first;
    first = std::move(itself);
    EXPECT_EQ(alive, 1);
    first = nullptr;
    EXPECT_EQ(alive, 0);
    second = make_unique_pointer<Base>(alive);
  }
  EXPECT_EQ(alive, 0);
}

TEST(SharedPointer, FreesWhatItHasWithTheLastOfThem) {
  int alive = 0;
  SharedPointer<Base> outer;
  EXPECT_TRUE(outer == nullptr);
  {
    const SharedPointer<Base> first = make_shared_pointer<Base>(alive);
    SharedPointer<Base> second = first;
    EXPECT_EQ(&*first, &*second);
    second = make_shared_pointer<Base>(alive);
    EXPECT_EQ(alive, 2);
    second = first;
    EXPECT_EQ(alive, 1);
    outer = std::move(second);
  }
  EXPECT_EQ(alive, 1);
  outer = nullptr;
  EXPECT_EQ(alive, 0);
}

TEST(SharedPointer, KeepsAnObjectThroughAPointerToItsBase) {
  int alive = 0;
  SharedPointer<Derived> derived = make_shared_pointer<Derived>(alive);
  SharedPointer<Base> base = derived;
  EXPECT_EQ(alive, 1);
  derived = nullptr;
  EXPECT_EQ(alive, 1);
  base = SharedPointer<Derived>();
  EXPECT_EQ(alive, 0);
}

TEST(SharedPointer, IsCopiedAndDroppedByManyThreadsAtOnce) {
  int alive = 0;
  {
    const SharedPointer<Base> common = make_shared_pointer<Base>(alive);
    std::vector<std::thread> threads;
    threads.reserve(4);
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([own = common] {
        for (int round = 0; round < 10'000; ++round) {
          SharedPointer<Base> copy = own;
          const SharedPointer<Base> moved = std::move(copy);
          ASSERT_EQ(moved->alive, 1);
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(alive, 1);
  }
  EXPECT_EQ(alive, 0);
}

}  // namespace
}  // namespace onecopy::detail
