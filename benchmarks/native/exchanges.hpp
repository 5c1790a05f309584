// What the two sides of a link do in a round, until its time is over, and what of it is timed.
#pragma once

#include <sched.h>
#include <sys/types.h>

#include <atomic>
#include <fstream>
#include <string>

#include "link.hpp"
#include "samples.hpp"

namespace bench {

// What both sides see besides the link.
struct Board {
  std::atomic<std::uint64_t> waiting{0};  // the message that the child is about to wait for
  std::atomic<std::uint64_t> arrived{0};  // the one it has got last, and when
  std::atomic<Nanoseconds> arrived_at{0};
};

// The parent's view of a round.
struct Round {
  Nanoseconds time;   // how long it is to last
  Nanoseconds clock;  // what a reading of the clock takes
  pid_t child;
  Samples& samples;

  bool is_over(Nanoseconds begin) const {
    constexpr std::size_t kLeast = 3;
    return samples.full() || (samples.size() + 1 >= kLeast && now() - begin >= time);
  }
};

// One message there and back; half the time is one hand-off.
class PingPong {
 public:
  PingPong(const Shape& shape, Board&) : bytes_(shape.bytes) {}

  template <Link L>
  void parent(L& link, Round round) {
    there_and_back(link, {.whole = true});
    const Nanoseconds begin = now();
    Nanoseconds before = begin;
    for (bool last = false; !last;) {
      last = round.is_over(begin);
      before = now();
      there_and_back(link, {.last = last});
      round.samples.add(static_cast<double>(now() - before - round.clock) / 2);
    }
  }
  template <Link L>
  void child(L& link) {
    for (bool last = false; !last;) {
      link.receive();
      last = read_mark(link.message(), bytes_).last;
      link.send();
    }
  }

 private:
  template <Link L>
  void there_and_back(L& link, Mark mark) {
    mark.number = ++number_;
    write_mark(link.message(), mark);
    link.send();
    link.receive();
    expect(read_mark(link.message(), bytes_), number_);
  }

  std::size_t bytes_;
  std::uint64_t number_ = 0;
};

// One message to a child that sleeps, from before the sending until the child has it.
class Waking {
 public:
  Waking(const Shape& shape, Board& board) : bytes_(shape.bytes), board_(board) {}

  template <Link L>
  void parent(L& link, Round round) {
    const Nanoseconds begin = now();
    for (bool last = false; !last;) {
      ++number_;
      last = round.is_over(begin);
      write_mark(link.message(), {.number = number_, .last = last});
      while (board_.waiting.load(std::memory_order_acquire) != number_) sched_yield();
      while (!is_asleep(round.child)) sched_yield();
      const Nanoseconds before = now();
      link.send();
      while (board_.arrived.load(std::memory_order_acquire) != number_) sched_yield();
      const Nanoseconds after = board_.arrived_at.load(std::memory_order_relaxed);
      round.samples.add(static_cast<double>(after - before - round.clock));
    }
  }
  template <Link L>
  void child(L& link) {
    for (bool last = false; !last;) {
      ++number_;
      board_.waiting.store(number_, std::memory_order_release);
      link.receive();
      board_.arrived_at.store(now(), std::memory_order_relaxed);
      board_.arrived.store(number_, std::memory_order_release);
      const Mark mark = read_mark(link.message(), bytes_);
      expect(mark, number_);
      last = mark.last;
    }
  }

 private:
  // Between telling what it waits for and being woken the child sleeps nowhere else.
  static bool is_asleep(pid_t process) {
    std::ifstream stat("/proc/" + std::to_string(process) + "/stat");
    std::string text;
    std::getline(stat, text);
    const std::size_t end = text.rfind(") ");
    return end != std::string::npos && text[end + 2] == 'S';
  }

  std::size_t bytes_;
  Board& board_;
  std::uint64_t number_ = 0;
};

// Many messages one after the other, and one back when the last has come: the time of each.
class Flood {
 public:
  static constexpr int kMessages = 2000;

  Flood(const Shape& shape, Board&) : bytes_(shape.bytes) {}

  template <Link L>
  void parent(L& link, Round round) {
    put(link, {.whole = true});
    answer(link);
    const Nanoseconds begin = now();
    for (bool last = false; !last;) {
      last = round.is_over(begin);
      const Nanoseconds before = now();
      for (int i = 1; i <= kMessages; ++i) put(link, {.last = last && i == kMessages});
      answer(link);
      round.samples.add(static_cast<double>(now() - before - round.clock) / kMessages);
    }
  }
  template <Link L>
  void child(L& link) {
    get(link);
    link.send();
    for (bool last = false; !last;) {
      for (int i = 1; i <= kMessages; ++i) last = get(link).last;
      link.send();
    }
  }

 private:
  template <Link L>
  void put(L& link, Mark mark) {
    mark.number = ++number_;
    write_mark(link.message(), mark);
    link.send();
  }
  template <Link L>
  void answer(L& link) {
    link.receive();
    expect(read_mark(link.message(), bytes_), number_);
  }
  template <Link L>
  Mark get(L& link) {
    link.receive();
    const Mark mark = read_mark(link.message(), bytes_);
    expect(mark, ++number_);
    return mark;
  }

  std::size_t bytes_;
  std::uint64_t number_ = 0;
};

}  // namespace bench
