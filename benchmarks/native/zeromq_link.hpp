// ZeroMQ over ipc://, which is a Unix socket with a thread at each end.
#pragma once

#include <unistd.h>
#include <zmq.h>

#include <string>

#include "link.hpp"

namespace bench {

// A pair of sockets. What came is sent on without being copied.
class ZeroMqLink {
 public:
  explicit ZeroMqLink(const Shape& shape) : shape_(shape), number_(++made) {
    zmq_msg_init(&message_);
  }
  ZeroMqLink(const ZeroMqLink&) = delete;
  ZeroMqLink& operator=(const ZeroMqLink&) = delete;
  ~ZeroMqLink() {
    zmq_msg_close(&message_);
    if (socket_ != nullptr) zmq_close(socket_);
    if (context_ != nullptr) zmq_ctx_term(context_);
  }

  // Its threads begin with the socket, and may run on every core that the program may use.
  void open(Side side, const Cores& cores) {
    cores.unpin();
    context_ = zmq_ctx_new();
    socket_ = context_ == nullptr ? nullptr : zmq_socket(context_, ZMQ_PAIR);
    if (socket_ == nullptr) fail();
    const int no_wait = 0;
    zmq_setsockopt(socket_, ZMQ_LINGER, &no_wait, sizeof no_wait);
    // A name that no file has.
    const std::string address =
        "ipc://@onecopy-bench-" + std::to_string(made_by_) + "-" + std::to_string(number_);
    const int status = side == Side::parent ? zmq_bind(socket_, address.c_str())
                                            : zmq_connect(socket_, address.c_str());
    if (status != 0) fail();
    cores.pin(side);
  }
  Bytes message() {
    if (zmq_msg_size(&message_) == 0) zmq_msg_init_size(&message_, shape_.bytes);
    return {static_cast<std::byte*>(zmq_msg_data(&message_)), zmq_msg_size(&message_)};
  }
  void send() {
    while (zmq_msg_send(&message_, socket_, 0) < 0) {
      if (errno != EAGAIN && errno != EINTR) fail();
    }
  }
  void receive() {
    const int flags = shape_.waiting == Waiting::spinning ? ZMQ_DONTWAIT : 0;
    while (zmq_msg_recv(&message_, socket_, flags) < 0) {
      if (errno != EAGAIN && errno != EINTR) fail();
    }
  }

 private:
  [[noreturn]] static void fail() { throw std::runtime_error(zmq_strerror(zmq_errno())); }

  inline static int made = 0;
  Shape shape_;
  int number_;
  pid_t made_by_ = getpid();
  void* context_ = nullptr;
  void* socket_ = nullptr;
  zmq_msg_t message_;
};

}  // namespace bench
