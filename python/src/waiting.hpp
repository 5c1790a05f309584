// Blocking calls: time-outs, letting go of the GIL, and signals.
//
// A blocking call works in rounds of at most about a slice (sync::kSlice) without the GIL; between
// rounds it runs signal handlers, so that Ctrl-C ends it, and looks whether its handle was closed.
// Nothing looks at signals after a round that took or put something: that belongs to the caller.
#pragma once

#include <cstddef>
#include <type_traits>

#include "os/clock.hpp"
#include "python.hpp"

namespace onecopy::python {

// `timeout` in seconds; None (or null) is for ever, what is not positive has expired. False with an
// exception set where it is no number.
bool parse_timeout(PyObject* timeout, os::Deadline& deadline);

// The same for the pair of `block` and `timeout` that queues take; either may be null.
bool parse_patience(PyObject* block, PyObject* timeout, os::Deadline& deadline);

// Takes the GIL again. Where the interpreter is shutting down it never comes back: the thread
// sleeps until the process is gone, instead of being unwound through frames that own Python
// objects.
void take_gil_back(PyThreadState* state);

// Bytes to be copied: letting go of the GIL for less costs more than it gives.
inline constexpr std::size_t kWorthLettingGo = 256 * 1024;

// Runs `work`, which must not touch Python and must not throw.
template <class Work>
auto without_gil(Work&& work) {
  PyThreadState* state = PyEval_SaveThread();
  if constexpr (std::is_void_v<decltype(work())>) {
    work();
    take_gil_back(state);
  } else {
    auto outcome = work();
    take_gil_back(state);
    return outcome;
  }
}

// Repeats `round` without the GIL until it answers true. `may_go_on` is asked with the GIL between
// rounds; when it answers false (an exception is set), or a signal handler raises, so does this.
template <class Round, class MayGoOn>
bool block_until(Round&& round, MayGoOn&& may_go_on) {
  for (;;) {
    if (without_gil(round)) return true;
    if (PyErr_CheckSignals() != 0 || !may_go_on()) return false;
  }
}

}  // namespace onecopy::python
