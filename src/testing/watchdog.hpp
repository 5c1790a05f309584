// Ends a test that hangs, loudly. For tests only.
#pragma once

#include <csignal>
#include <cstdlib>
#include <cstring>

#include <unistd.h>

namespace onecopy::testing {

// While it lives, and once `seconds` have passed, the process aborts and says of what. Children
// that are forked meanwhile inherit none. One at a time.
class Watchdog {
 public:
  Watchdog(const char* what, unsigned seconds) {
    watched = what;
    struct sigaction action{};
    action.sa_handler = [](int) {
      say("WATCHDOG: hangs: ");
      say(watched);
      say("\n");
      std::abort();
    };
    sigaction(SIGALRM, &action, &before_);
    alarm(seconds);
  }
  ~Watchdog() {
    alarm(0);
    sigaction(SIGALRM, &before_, nullptr);
  }
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

 private:
  static void say(const char* text) {
    [[maybe_unused]] const ssize_t written = write(2, text, std::strlen(text));
  }

  static inline const char* watched = "";
  struct sigaction before_;
};

}  // namespace onecopy::testing
