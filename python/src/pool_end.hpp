// What the two ends of a pool, Crew and PoolWorker, have in common: each is the process's that made
// it, and no good in a child that a fork gave a copy.
#pragma once

#include "errors.hpp"
#include "memory/family.hpp"
#include "python.hpp"
#include "synchronizer.hpp"

namespace onecopy::python {

// `Object` as for Synchronizer, with a memory::Ticket `maker`.
template <class Object>
struct PoolEnd : Synchronizer<Object> {
  using Synchronizer<Object>::self_of;

  // Null with an exception set where there is none of this process's.
  static Object* own(PyObject* object) {
    Object& self = self_of(object);
    if (!self.engine) {
      PyErr_SetString(PyExc_ValueError, "it was never made");
      return nullptr;
    }
    if (memory::in_family() && self.maker == memory::self_ticket()) return &self;
    raise_os_error("this end of the pool is another process's");
    return nullptr;
  }

  // Makes the object this process's; -1 with an exception set, as of an __init__.
  template <class Engine>
  static int initialise(PyObject* object, Result<Engine> engine) {
    if (!Synchronizer<Object>::set_up(object, std::move(engine))) return -1;
    self_of(object).maker = memory::self_ticket();
    return 0;
  }
};

}  // namespace onecopy::python
