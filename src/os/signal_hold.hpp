// Keeping a signal waiting instead of ignoring it.
//
// Who may call: any thread, for itself and the threads that it starts from then on. A forked child
// begins as its forker is, with nothing waiting; so a signal that comes to it before it lets the
// signal in again is not lost.
#pragma once

namespace onecopy::os {

// From now on the signal waits. False: it did so already.
bool hold_signal(int signal) noexcept;
// From now on it comes, at once if one has waited.
void let_signal_in(int signal) noexcept;

}  // namespace onecopy::os
