// The yardstick: two words of shared memory, one for each direction, each on a cache line of its
// own. Whoever receives spins on its word, or sleeps on it in a futex.
#pragma once

#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <climits>
#include <new>

#include "link.hpp"

namespace bench {

class WordLink {
 public:
  explicit WordLink(const Shape& shape) : waiting_(shape.waiting) {
    if (shape.bytes != sizeof value_) throw Unfit("a word has 8 bytes");
    void* shared =
        mmap(nullptr, sizeof(Table), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) throw_errno("mmap");
    table_ = new (shared) Table;
  }
  WordLink(const WordLink&) = delete;
  WordLink& operator=(const WordLink&) = delete;
  ~WordLink() { munmap(table_, sizeof(Table)); }

  void open(Side side, const Cores&) {
    out_ = side == Side::parent ? &table_->question : &table_->answer;
    in_ = side == Side::parent ? &table_->answer : &table_->question;
  }
  Bytes message() { return std::as_writable_bytes(std::span(&value_, 1)); }

  // Release pairs with acquire, so that what was written before is seen after.
  void send() {
    out_->value.store(value_, std::memory_order_release);
    if (waiting_ == Waiting::blocking) futex(*out_, FUTEX_WAKE, INT_MAX);
  }
  // Every message has another number than the one before.
  void receive() {
    std::uint64_t found;
    while ((found = in_->value.load(std::memory_order_acquire)) == last_) {
      if (waiting_ == Waiting::blocking) futex(*in_, FUTEX_WAIT, static_cast<std::uint32_t>(last_));
    }
    value_ = last_ = found;
  }

 private:
  struct alignas(128) Word {
    std::atomic<std::uint64_t> value{0};
  };
  struct Table {
    Word question;
    Word answer;
  };

  static void futex(Word& word, int operation, std::uint32_t value) {
    // The low half: the numbers of two messages in a row differ there.
    syscall(SYS_futex, &word.value, operation, value, nullptr, nullptr, 0);
  }

  Waiting waiting_;
  Table* table_;
  Word* out_ = nullptr;
  Word* in_ = nullptr;
  std::uint64_t last_ = 0;
  std::uint64_t value_ = 0;
};

}  // namespace bench
