// What the kernel carries through descriptors: pipes and Unix sockets.
#pragma once

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "link.hpp"

namespace bench {

// Calls `step(done)`, which moves some of the bytes, until all are moved. Negative: errno says why,
// and EAGAIN that it is to be asked again.
template <class Step>
void move_all(std::size_t bytes, const char* what, const Step& step) {
  for (std::size_t done = 0; done < bytes;) {
    const ssize_t moved = step(done);
    if (moved > 0) {
      done += static_cast<std::size_t>(moved);
    } else if (moved == 0) {
      throw std::runtime_error("the other side is gone");
    } else if (errno != EAGAIN && errno != EINTR) {
      throw_errno(what);
    }
  }
}

// Two pipes, each with as much room as an ordinary user may ask for.
class PipesLink : public Buffered {
 public:
  explicit PipesLink(const Shape& shape) : Buffered(shape.bytes), waiting_(shape.waiting) {
    constexpr int kRoom = 1 << 20;
    for (auto& pipe : pipes_) {
      if (::pipe2(pipe.data(), O_CLOEXEC) != 0) throw_errno("pipe");
      if (shape.bytes * shape.depth > 65536) fcntl(pipe[1], F_SETPIPE_SZ, kRoom);
      if (waiting_ == Waiting::spinning) fcntl(pipe[0], F_SETFL, O_NONBLOCK);
    }
  }
  PipesLink(const PipesLink&) = delete;
  PipesLink& operator=(const PipesLink&) = delete;
  ~PipesLink() {
    for (const auto& pipe : pipes_) {
      for (const int end : pipe) {
        if (end == in_ || end == out_ || in_ < 0) close(end);
      }
    }
  }

  void open(Side side, const Cores&) {
    const int mine = static_cast<int>(side);
    out_ = pipes_[mine][1];
    in_ = pipes_[1 - mine][0];
    close(pipes_[mine][0]);
    close(pipes_[1 - mine][1]);
  }
  void send() {
    move_all(buffer_.size(), "write", [this](std::size_t done) {
      return write(out_, buffer_.data() + done, buffer_.size() - done);
    });
  }
  void receive() {
    move_all(buffer_.size(), "read", [this](std::size_t done) {
      return read(in_, buffer_.data() + done, buffer_.size() - done);
    });
  }

 private:
  Waiting waiting_;
  std::array<std::array<int, 2>, 2> pipes_{};
  int out_ = -1;
  int in_ = -1;
};

class SocketLink : public Buffered {
 public:
  explicit SocketLink(const Shape& shape)
      : Buffered(shape.bytes),
        flags_(shape.waiting == Waiting::spinning ? MSG_DONTWAIT : MSG_WAITALL) {
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends_.data()) != 0) {
      throw_errno("socketpair");
    }
  }
  SocketLink(const SocketLink&) = delete;
  SocketLink& operator=(const SocketLink&) = delete;
  ~SocketLink() {
    if (end_ >= 0) close(end_);
    if (end_ < 0) {
      for (const int end : ends_) close(end);
    }
  }

  void open(Side side, const Cores&) {
    end_ = ends_[static_cast<int>(side)];
    close(ends_[1 - static_cast<int>(side)]);
  }
  void send() {
    move_all(buffer_.size(), "send", [this](std::size_t done) {
      return ::send(end_, buffer_.data() + done, buffer_.size() - done, MSG_NOSIGNAL);
    });
  }
  void receive() {
    move_all(buffer_.size(), "recv", [this](std::size_t done) {
      return recv(end_, buffer_.data() + done, buffer_.size() - done, flags_);
    });
  }

 private:
  int flags_;
  std::array<int, 2> ends_{};
  int end_ = -1;
};

}  // namespace bench
