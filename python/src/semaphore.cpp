#include "semaphore.hpp"

#include <cerrno>
#include <climits>
#include <optional>

#include "arguments.hpp"
#include "lock.hpp"
#include "sync/semaphore.hpp"
#include "synchronizer.hpp"
#include "waiting.hpp"

namespace onecopy::python {
namespace {

using sync::Name;
using sync::Taken;

struct Semaphore {
  PyObject_HEAD std::optional<sync::Semaphore> engine;
  // Under the GIL: units taken through this handle and not given back through it, and by whom last.
  int count;
  unsigned long thread;
};

using Handle = Synchronizer<Semaphore>;

// The unit is this thread's, and a process that had one died with it. Telling runs code of the
// program's, which may give the unit back or take another.
bool warn_of_death(Semaphore& self) {
  const int warned =
      PyErr_WarnFormat(PyExc_RuntimeWarning, 1,
                       "process %d was killed while it held a unit of this semaphore: what the "
                       "semaphore guards may be half changed",
                       static_cast<int>(self.engine->last_dead()));
  if (warned == 0) return true;
  --self.count;
  self.engine->release();  // warnings are errors here: nobody enters
  return false;
}

PyObject* take(Semaphore& self, Name name, os::Deadline deadline) {
  Taken taken = self.engine->try_acquire(name);
  if (taken == Taken::timed_out && !deadline.expired()) {
    sync::Slices slices(deadline);
    const auto round = [&] {
      taken = self.engine->acquire(name, slices);
      return taken != Taken::again;
    };
    if (!block_until(round, [] { return true; })) return nullptr;
  }
  if (taken == Taken::timed_out) Py_RETURN_FALSE;
  ++self.count;
  self.thread = PyThread_get_thread_ident();
  if (taken == Taken::from_dead && !warn_of_death(self)) return nullptr;
  Py_RETURN_TRUE;
}

PyObject* acquire(PyObject* object, PyObject* const* given, Py_ssize_t count, PyObject* keywords) {
  static constexpr Signature kSignature{"acquire", 0, {"block", "timeout"}};
  Arguments arguments;
  if (!parse(kSignature, given, count, keywords, arguments)) return nullptr;
  Semaphore* self = Handle::made(object);
  os::Deadline deadline = os::Deadline::never();
  if (self == nullptr || !parse_acquire(arguments, deadline)) return nullptr;
  return take(*self, Name::nobody, deadline);
}

PyObject* enter(PyObject* object, PyObject*) {
  Semaphore* self = Handle::made(object);
  return self == nullptr ? nullptr : take(*self, Name::mine, os::Deadline::never());
}

PyObject* release(PyObject* object, PyObject*) {
  Semaphore* self = Handle::made(object);
  if (self == nullptr) return nullptr;
  if (!self->engine->release()) {
    PyErr_SetString(PyExc_ValueError, "semaphore or lock released too many times");
    return nullptr;
  }
  --self->count;
  Py_RETURN_NONE;
}

PyObject* leave(PyObject* object, PyObject* const*, Py_ssize_t) { return release(object, nullptr); }

PyObject* count_of(PyObject* object, PyObject*) {
  return PyLong_FromLong(Handle::self_of(object).count);
}

PyObject* is_mine(PyObject* object, PyObject*) {
  const Semaphore& self = Handle::self_of(object);
  return PyBool_FromLong(self.count > 0 && self.thread == PyThread_get_thread_ident());
}

PyObject* get_value(PyObject* object, PyObject*) {
  Semaphore* self = Handle::made(object);
  return self == nullptr ? nullptr : PyLong_FromLong(self->engine->value());
}

PyObject* is_zero(PyObject* object, PyObject*) {
  Semaphore* self = Handle::made(object);
  return self == nullptr ? nullptr : PyBool_FromLong(self->engine->value() == 0);
}

PyObject* after_fork(PyObject* object, PyObject*) {
  Handle::self_of(object).count = 0;
  Py_RETURN_NONE;
}

PyObject* validate(PyObject* object, PyObject*) {
  Semaphore* self = Handle::made(object);
  return self == nullptr ? nullptr : PyUnicode_FromString(self->engine->validate().c_str());
}

PyObject* recovered(PyObject* object, void*) {
  Semaphore* self = Handle::made(object);
  if (self == nullptr) return nullptr;
  const std::int32_t dead = self->engine->last_dead();
  if (dead == 0) Py_RETURN_NONE;
  return PyLong_FromLong(dead);
}

// What stock numbers semaphores.
PyObject* kind_of(PyObject*, void*) { return PyLong_FromLong(1); }

PyObject* maximum(PyObject* object, void*) {
  Semaphore* self = Handle::made(object);
  return self == nullptr ? nullptr : PyLong_FromLong(self->engine->maximum());
}

// Stock's name is one in the file system; there is none.
PyObject* no_name(PyObject*, void*) { Py_RETURN_NONE; }

PyObject* handle_of(PyObject* object, void*) {
  Semaphore* self = Handle::made(object);
  return self == nullptr ? nullptr : PyLong_FromUnsignedLong(self->engine->name().block);
}

// A number of units, with stock's exceptions where it is none.
bool parse_value(PyObject* object, int& value) {
  int overflow = 0;
  const Reference index(PyNumber_Index(object));  // Python 3.9 would take a float
  if (!index) return false;
  const long number = PyLong_AsLongAndOverflow(index.get(), &overflow);
  if (number == -1 && PyErr_Occurred() != nullptr) return false;
  if (overflow != 0 || number > INT_MAX || number < INT_MIN) {
    PyErr_SetString(PyExc_OverflowError, "Python int too large to convert to C int");
    return false;
  }
  if (number < 0) {
    errno = EINVAL;
    PyErr_SetFromErrno(PyExc_OSError);
    return false;
  }
  value = static_cast<int>(number);
  return true;
}

int initialise(PyObject* self, PyObject* arguments, PyObject* keywords) {
  static const char* const kNames[] = {"value", "bounded", nullptr};
  PyObject* given = nullptr;
  int bounded = 0;
  int value = 0;
  if (PyArg_ParseTupleAndKeywords(arguments, keywords, "Op:Semaphore", const_cast<char**>(kNames),
                                  &given, &bounded) == 0 ||
      !parse_value(given, value)) {
    return -1;
  }
  return Handle::set_up(self, bounded != 0 ? sync::Semaphore::create_bounded(value)
                                           : sync::Semaphore::create(value))
             ? 0
             : -1;
}

PyObject* open(PyObject* self, PyObject* arguments) {
  memory::SharedName name;
  if (PyArg_ParseTuple(arguments, "II:_open", &name.block, &name.time) == 0) return nullptr;
  return Handle::open(self, sync::Semaphore::open(name));
}

PyMethodDef methods[] = {
    {"acquire", as_method(acquire), METH_FASTCALL | METH_KEYWORDS,
     "acquire($self, /, block=True, timeout=None)\n--\n\nTake a unit; False when none is free "
     "within `timeout` seconds (None: as long as it takes), with `block` false at once."},
    {"release", release, METH_NOARGS,
     "release($self, /)\n--\n\nGive a unit back. ValueError: there are as many as there may be."},
    {"get_value", get_value, METH_NOARGS, "get_value($self, /)\n--\n\nHow many units are free."},
    {"__enter__", enter, METH_NOARGS, nullptr},
    {"__exit__", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(leave)), METH_FASTCALL,
     nullptr},
    {"_count", count_of, METH_NOARGS, nullptr},
    {"_is_mine", is_mine, METH_NOARGS, nullptr},
    {"_get_value", get_value, METH_NOARGS, nullptr},
    {"_is_zero", is_zero, METH_NOARGS, nullptr},
    {"_after_fork", after_fork, METH_NOARGS, nullptr},
    {"_validate", validate, METH_NOARGS, nullptr},
    {"_name", Handle::name_of, METH_NOARGS, nullptr},
    {"_hold_for", Handle::hold_for, METH_O, nullptr},
    {"_open", open, METH_VARARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

PyGetSetDef properties[] = {
    {"recovered", recovered, nullptr,
     "The process whose death gave units of this semaphore back, the last of them; None: none so "
     "far. Who takes a unit next after such a death also gets a RuntimeWarning.",
     nullptr},
    {"kind", kind_of, nullptr, nullptr, nullptr},
    {"maxvalue", maximum, nullptr, nullptr, nullptr},
    {"name", no_name, nullptr, nullptr, nullptr},
    {"handle", handle_of, nullptr, nullptr, nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

PyType_Slot slots[] = {
    {Py_tp_new, reinterpret_cast<void*>(Handle::allocate)},
    {Py_tp_init, reinterpret_cast<void*>(initialise)},
    {Py_tp_dealloc, reinterpret_cast<void*>(Handle::deallocate)},
    {Py_tp_methods, methods},
    {Py_tp_getset, properties},
    {Py_tp_doc, const_cast<char*>("A semaphore of processes, with or without a bound.")},
    {0, nullptr},
};

PyType_Spec spec = {"onecopy._engine.Semaphore", sizeof(Semaphore), 0,
                    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, slots};

}  // namespace

bool add_semaphore_type(PyObject* module) { return add_type(module, spec); }

}  // namespace onecopy::python
