// Lock: what multiprocessing calls a SemLock, of the two kinds that one may hold: a Lock, which
// anybody may release, and an RLock, which its thread may take again. With the same methods as
// _multiprocessing.SemLock, so that stock's Condition, Event and Barrier stand on it. The classes
// that people meet derive from it (python/onecopy/synchronize.py): `with lock:` runs no Python.
//
// Methods run under the GIL and let it go while they wait. Which thread holds it, and how often, is
// kept in the handle, as stock keeps it; that the process holds it, in shared memory
// (sync/lock.hpp).
#pragma once

#include "arguments.hpp"
#include "os/clock.hpp"
#include "python.hpp"
#include "sync/lock.hpp"

namespace onecopy::python {

bool add_lock_type(PyObject* module);

// Reads the arguments `block` and `timeout` of acquire. False with an exception set.
bool parse_acquire(const Arguments& arguments, os::Deadline& deadline);

// The engine's lock in a Lock object; null with TypeError set where it is something else.
const sync::Lock* engine_lock(PyObject* object);
// What the methods acquire (without a time-out) and release do, for an object that engine_lock()
// took. False with an exception set.
bool take_lock(PyObject* lock);
bool give_back_lock(PyObject* lock);
// Whether this thread has it, and may take it again.
bool is_held_again(PyObject* lock) noexcept;
// How often this thread has it; 0: not at all.
int times_held(PyObject* lock) noexcept;

}  // namespace onecopy::python
