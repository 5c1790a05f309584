// Python functions that are called at a fork (os.register_at_fork), which has nobody to raise to: a
// Ctrl-C that comes while one of them runs would be printed and lost.
#pragma once

#include "python.hpp"

namespace onecopy::python {

// What calls `function` without arguments, and once more where a Ctrl-C interrupted it, which is
// then raised soon after the fork instead. Null with an exception set.
PyObject* keeping_interrupts(PyObject* function);

// What does so where this process has more than one thread, and nothing elsewhere: in a parent that
// runs Python after a fork, each page that this changes is copied first.
PyObject* beside_threads(PyObject* function);

// Has every fork of this process look whether a Ctrl-C waits. Once, when the module is loaded.
void watch_for_interrupts();

// Whether one was held back when this process last forked, so that the child was not told of it:
// who is sent one together with its parent is there before, and gets it, or is not.
bool interrupted_at_fork() noexcept;

}  // namespace onecopy::python
