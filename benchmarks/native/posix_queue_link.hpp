// POSIX message queues (mq_overview(7)), which the kernel carries and bounds.
#pragma once

#include <fcntl.h>
#include <mqueue.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <fstream>
#include <string>

#include "link.hpp"

namespace bench {

class PosixQueueLink : public Buffered {
 public:
  explicit PosixQueueLink(const Shape& shape) : Buffered(shape.bytes) {
    // Who may, takes the limit away that all queues of a user have together.
    const rlimit none{RLIM_INFINITY, RLIM_INFINITY};
    setrlimit(RLIMIT_MSGQUEUE, &none);
    for (mqd_t& queue : queues_) {
      queue = make(shape, shape.depth);
      if (queue < 0) queue = make(shape, static_cast<std::size_t>(limit("msg_max", 10)));
      if (queue < 0) {
        throw Unfit("a POSIX message has at most " + std::to_string(limit("msgsize_max", 8192)) +
                    " bytes here");
      }
    }
  }
  PosixQueueLink(const PosixQueueLink&) = delete;
  PosixQueueLink& operator=(const PosixQueueLink&) = delete;
  ~PosixQueueLink() {
    for (const mqd_t queue : queues_) {
      if (queue >= 0) mq_close(queue);
    }
  }

  void open(Side side, const Cores&) {
    out_ = queues_[static_cast<int>(side)];
    in_ = queues_[1 - static_cast<int>(side)];
  }
  void send() {
    while (mq_send(out_, reinterpret_cast<const char*>(buffer_.data()), buffer_.size(), 0) != 0) {
      if (errno != EAGAIN && errno != EINTR) throw_errno("mq_send");
    }
  }
  void receive() {
    while (mq_receive(in_, reinterpret_cast<char*>(buffer_.data()), buffer_.size(), nullptr) < 0) {
      if (errno != EAGAIN && errno != EINTR) throw_errno("mq_receive");
    }
  }

 private:
  // Its name is gone again at once: both sides have it.
  static mqd_t make(const Shape& shape, std::size_t depth) {
    const std::string name = "/onecopy-bench-" + std::to_string(getpid());
    mq_attr attributes{};
    attributes.mq_maxmsg = static_cast<long>(depth);
    attributes.mq_msgsize = static_cast<long>(shape.bytes);
    const int flags = shape.waiting == Waiting::spinning ? O_NONBLOCK : 0;
    const mqd_t made =
        mq_open(name.c_str(), O_CREAT | O_EXCL | O_RDWR | flags, S_IRUSR | S_IWUSR, &attributes);
    if (made >= 0) mq_unlink(name.c_str());
    return made;
  }
  static long limit(const char* name, long otherwise) {
    long value = otherwise;
    std::ifstream(std::string("/proc/sys/fs/mqueue/") + name) >> value;
    return value;
  }

  std::array<mqd_t, 2> queues_{-1, -1};
  mqd_t out_ = -1;
  mqd_t in_ = -1;
};

}  // namespace bench
