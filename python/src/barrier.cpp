#include "barrier.hpp"

#include <optional>

#include "sync/barrier.hpp"
#include "synchronizer.hpp"
#include "waiting.hpp"

namespace onecopy::python {
namespace {

using sync::Passage;

struct Barrier {
  PyObject_HEAD std::optional<sync::Barrier> engine;
};

using Handle = Synchronizer<Barrier>;

// Repeats a call of the engine until it is over; false with an exception set.
template <class Call>
bool repeat(Passage& passage, const Call& call) {
  return block_until(
      [&] {
        passage = call();
        return passage != Passage::again;
      },
      [] { return true; });
}

bool act(PyObject* action) {
  const int wanted = PyObject_IsTrue(action);
  if (wanted <= 0) return wanted == 0;
  const Reference answer(PyObject_CallNoArgs(action));
  return static_cast<bool>(answer);
}

// Waits for the others; false with an exception set.
bool wait_for_others(sync::Barrier& barrier, PyObject* timeout) {
  os::Deadline deadline = os::Deadline::never();
  Passage passage = Passage::again;
  if (parse_timeout(timeout, deadline)) {
    sync::Slices slices(deadline);
    if (repeat(passage, [&] { return barrier.wait(slices); })) {
      if (passage == Passage::broken) raise({Error::broken_barrier});
      return passage != Passage::broken;
    }
  }
  barrier.leave();
  return false;
}

// pass(timeout, action): which of the parties this is.
PyObject* pass(PyObject* object, PyObject* const* given, Py_ssize_t count) {
  Barrier* self = Handle::made(object);
  if (self == nullptr) return nullptr;
  if (count != 2) {
    PyErr_SetString(PyExc_TypeError, "_pass() takes a timeout and an action");
    return nullptr;
  }
  sync::Barrier& barrier = *self->engine;
  sync::Slices slices(os::Deadline::never());
  Passage passage = Passage::again;
  std::uint32_t index = 0;
  if (!repeat(passage, [&] { return barrier.enter(slices, index); })) return nullptr;
  switch (passage) {
    case Passage::acts: {
      const bool well = act(given[1]);
      barrier.finish(well);
      if (!well) return nullptr;
      break;
    }
    case Passage::waits:
      if (!wait_for_others(barrier, given[0])) return nullptr;
      break;
    case Passage::passed:
    case Passage::broken:
    case Passage::again:
      return raise({Error::broken_barrier});
  }
  return PyLong_FromUnsignedLong(index);
}

PyObject* change(PyObject* object, Passage (sync::Barrier::*how)(sync::Slices&) noexcept) {
  Barrier* self = Handle::made(object);
  if (self == nullptr) return nullptr;
  sync::Slices slices(os::Deadline::never());
  Passage passage = Passage::again;
  if (!repeat(passage, [&] { return (*self->engine.*how)(slices); })) return nullptr;
  Py_RETURN_NONE;
}

PyObject* abort(PyObject* object, PyObject*) { return change(object, &sync::Barrier::abort); }
PyObject* reset(PyObject* object, PyObject*) { return change(object, &sync::Barrier::reset); }

PyObject* validate(PyObject* object, PyObject*) {
  Barrier* self = Handle::made(object);
  return self == nullptr ? nullptr : PyUnicode_FromString(self->engine->validate().c_str());
}

PyObject* state_of(PyObject* object, void*) {
  Barrier* self = Handle::made(object);
  if (self == nullptr) return nullptr;
  self->engine->look_for_dead();
  return PyLong_FromLong(static_cast<long>(self->engine->state()));
}

PyObject* count_of(PyObject* object, void*) {
  Barrier* self = Handle::made(object);
  if (self == nullptr) return nullptr;
  self->engine->look_for_dead();
  return PyLong_FromUnsignedLong(self->engine->count());
}

int initialise(PyObject* self, PyObject* arguments, PyObject* keywords) {
  static const char* const kNames[] = {"parties", nullptr};
  unsigned parties = 0;
  if (PyArg_ParseTupleAndKeywords(arguments, keywords, "I:Barrier", const_cast<char**>(kNames),
                                  &parties) == 0) {
    return -1;
  }
  return Handle::set_up(self, sync::Barrier::create(parties)) ? 0 : -1;
}

PyObject* open(PyObject* self, PyObject* arguments) {
  memory::SharedName name;
  if (PyArg_ParseTuple(arguments, "II:_open", &name.block, &name.time) == 0) return nullptr;
  return Handle::open(self, sync::Barrier::open(name));
}

PyMethodDef methods[] = {
    {"abort", abort, METH_NOARGS,
     "abort($self, /)\n--\n\nBreak it: who waits, and who comes, gets BrokenBarrierError."},
    {"reset", reset, METH_NOARGS,
     "reset($self, /)\n--\n\nMake it as it was at first; who waits gets BrokenBarrierError."},
    {"_pass", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(pass)), METH_FASTCALL,
     nullptr},
    {"_validate", validate, METH_NOARGS, nullptr},
    {"_name", Handle::name_of, METH_NOARGS, nullptr},
    {"_hold_for", Handle::hold_for, METH_O, nullptr},
    {"_open", open, METH_VARARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

PyGetSetDef properties[] = {
    {"_state", state_of, nullptr, nullptr, nullptr},
    {"_count", count_of, nullptr, nullptr, nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

PyType_Slot slots[] = {
    {Py_tp_new, reinterpret_cast<void*>(Handle::allocate)},
    {Py_tp_init, reinterpret_cast<void*>(initialise)},
    {Py_tp_dealloc, reinterpret_cast<void*>(Handle::deallocate)},
    {Py_tp_methods, methods},
    {Py_tp_getset, properties},
    {Py_tp_doc, const_cast<char*>("Where processes wait for each other.")},
    {0, nullptr},
};

PyType_Spec spec = {"onecopy._engine.Barrier", sizeof(Barrier), 0,
                    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, slots};

}  // namespace

bool add_barrier_type(PyObject* module) { return add_type(module, spec); }

}  // namespace onecopy::python
