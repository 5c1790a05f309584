// A case: a link, what is done over it, the child at its other end, and the samples so far.
//
// All cases of a row are made, then started, then opened, so that no process is forked beside the
// threads that a library may start. Then they take turns, a round each; who has no turn sleeps.
#pragma once

#include <onecopy/process.hpp>

#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <memory>
#include <new>
#include <string>

#include "exchanges.hpp"
#include "link.hpp"
#include "samples.hpp"

namespace bench {

class AnyCase {
 public:
  AnyCase(std::string name, std::size_t bytes) : name_(std::move(name)), bytes_(bytes) {}
  virtual ~AnyCase() = default;
  AnyCase(const AnyCase&) = delete;
  AnyCase& operator=(const AnyCase&) = delete;

  const std::string& name() const { return name_; }
  std::size_t bytes() const { return bytes_; }
  const Samples& samples() const { return samples_; }
  // Why it is not measured; empty: it is.
  const std::string& unfit() const { return unfit_; }

  virtual void start(const Cores& cores) = 0;
  virtual void open(const Cores& cores) = 0;
  virtual void round(Nanoseconds time, Nanoseconds clock) = 0;
  virtual void end() = 0;

 protected:
  Samples samples_;
  std::string unfit_;

 private:
  std::string name_;
  std::size_t bytes_;
};

// True while no child may end: one that does has said why on stderr, and nobody waits for it.
inline volatile std::sig_atomic_t g_children_stay = 0;

inline void end_with_child(int) {
  if (g_children_stay == 0) return;
  constexpr char kText[] = "native: the process at the other end has ended\n";
  static_cast<void>(!::write(STDERR_FILENO, kText, sizeof kText - 1));
  _exit(1);
}

template <Link L, class Exchange>
class Case : public AnyCase {
 public:
  Case(const char* name, const Shape& shape) : AnyCase(name, shape.bytes) {
    try {
      link_ = std::make_unique<L>(shape);
    } catch (const Unfit& reason) {
      unfit_ = reason.what();
      return;
    }
    void* shared =
        mmap(nullptr, sizeof(Board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) throw_errno("mmap");
    board_ = new (shared) Board;
    exchange_ = std::make_unique<Exchange>(shape, *board_);
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, turns_) != 0)
      throw_errno("socketpair");
  }
  ~Case() override {
    if (board_ == nullptr) return;
    munmap(board_, sizeof(Board));
    for (const int end : turns_) close(end);
  }

  void start(const Cores& cores) override {
    child_ = onecopy::Process::start([&] { live(cores); }, {.name = name(), .daemon = true})
                 .value_or_throw();
  }
  void open(const Cores& cores) override { link_->open(Side::parent, cores); }
  void round(Nanoseconds time, Nanoseconds clock) override {
    tell(turns_[0], kGo);
    exchange_->parent(*link_, {time, clock, child_.pid(), samples_});
    hear(turns_[0]);
    samples_.close_round();
  }
  void end() override {
    tell(turns_[0], kEnd);
    child_.join().value_or_throw();
  }

 private:
  static constexpr char kGo = 'g', kEnd = 'e', kDone = 'd';

  static void tell(int end, char what) {
    if (::send(end, &what, 1, MSG_NOSIGNAL) != 1) throw_errno("send");
  }
  static char hear(int end) {
    char what = kEnd;
    while (recv(end, &what, 1, 0) < 0) {
      if (errno != EINTR) throw_errno("recv");
    }
    return what;
  }

  // The child's.
  void live(const Cores& cores) {
    cores.pin(Side::child);
    link_->open(Side::child, cores);
    while (hear(turns_[1]) == kGo) {
      exchange_->child(*link_);
      tell(turns_[1], kDone);
    }
    link_.reset();
  }

  std::unique_ptr<L> link_;
  std::unique_ptr<Exchange> exchange_;
  Board* board_ = nullptr;
  int turns_[2] = {-1, -1};
  onecopy::Process child_;
};

}  // namespace bench
