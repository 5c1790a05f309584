#include "os/signal_hold.hpp"

#include <csignal>

namespace onecopy::os {
namespace {

sigset_t only(int signal) noexcept {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, signal);
  return set;
}

}  // namespace

bool hold_signal(int signal) noexcept {
  const sigset_t set = only(signal);
  sigset_t before;
  sigemptyset(&before);
  pthread_sigmask(SIG_BLOCK, &set, &before);
  return sigismember(&before, signal) == 0;
}

void let_signal_in(int signal) noexcept {
  const sigset_t set = only(signal);
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

}  // namespace onecopy::os
