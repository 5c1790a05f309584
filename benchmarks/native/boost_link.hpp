// Boost.Interprocess message_queue: shared memory with a name, a mutex and two conditions.
#pragma once

#include <sys/statvfs.h>
#include <unistd.h>

#include <boost/interprocess/ipc/message_queue.hpp>

#include <memory>
#include <string>

#include "link.hpp"

namespace bench {

class BoostLink : public Buffered {
 public:
  explicit BoostLink(const Shape& shape)
      : Buffered(shape.bytes),
        waiting_(shape.waiting),
        to_child_(make(shape)),
        to_parent_(make(shape)) {}

  void open(Side side, const Cores&) {
    out_ = side == Side::parent ? to_child_.get() : to_parent_.get();
    in_ = side == Side::parent ? to_parent_.get() : to_child_.get();
  }
  void send() { out_->send(buffer_.data(), buffer_.size(), 0); }
  void receive() {
    Queue::size_type received = 0;
    unsigned priority = 0;
    if (waiting_ == Waiting::spinning) {
      while (!in_->try_receive(buffer_.data(), buffer_.size(), received, priority)) {
      }
    } else {
      in_->receive(buffer_.data(), buffer_.size(), received, priority);
    }
    if (received != buffer_.size()) throw std::runtime_error("a message of another size came");
  }

 private:
  using Queue = boost::interprocess::message_queue;

  // Its name is gone again at once: both sides have it mapped.
  static std::unique_ptr<Queue> make(const Shape& shape) {
    // It takes its memory unasked, and ends in SIGBUS where there is none.
    struct statvfs room{};
    if (statvfs("/dev/shm", &room) != 0 ||
        room.f_bavail * room.f_frsize < 2 * shape.bytes * shape.depth + (1 << 20)) {
      throw Unfit("/dev/shm has no room for it");
    }
    const std::string name = "onecopy-bench-" + std::to_string(getpid());
    auto made = std::make_unique<Queue>(boost::interprocess::create_only, name.c_str(), shape.depth,
                                        shape.bytes);
    Queue::remove(name.c_str());
    return made;
  }

  Waiting waiting_;
  std::unique_ptr<Queue> to_child_;
  std::unique_ptr<Queue> to_parent_;
  Queue* out_ = nullptr;
  Queue* in_ = nullptr;
};

}  // namespace bench
