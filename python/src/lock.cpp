#include "lock.hpp"

#include <optional>

#include "arguments.hpp"
#include "synchronizer.hpp"
#include "waiting.hpp"

namespace onecopy::python {
namespace {

using sync::Locked;

PyTypeObject* lock_type = nullptr;

// What stock numbers the kinds.
enum class Kind : int { recursive = 0, plain = 1 };

struct Lock {
  PyObject_HEAD std::optional<sync::Lock> engine;
  Kind kind;
  // Under the GIL: times taken through this handle and not given back through it, and by whom.
  int count;
  unsigned long thread;
};

using Handle = Synchronizer<Lock>;

bool is_of_this_thread(const Lock& self) noexcept {
  return self.count > 0 && self.thread == PyThread_get_thread_ident() && self.engine->is_mine();
}

// The lock is this thread's, and the process that held it before died with it. Telling runs code of
// the program's, which may take the lock again.
bool warn_of_death(Lock& self) {
  const int warned =
      PyErr_WarnFormat(PyExc_RuntimeWarning, 1,
                       "process %d was killed while it held this lock: what the lock guards may be "
                       "half changed",
                       static_cast<int>(self.engine->last_dead()));
  if (warned == 0) return true;
  --self.count;
  self.engine->release();  // warnings are errors here: nobody enters
  return false;
}

PyObject* take(Lock& self, os::Deadline deadline) {
  if (self.kind == Kind::recursive && is_of_this_thread(self)) {
    ++self.count;
    Py_RETURN_TRUE;
  }
  Locked outcome = self.engine->acquire(os::Deadline::after(0));
  if (outcome == Locked::timed_out && !deadline.expired()) {
    const auto round = [&] {
      outcome = self.engine->acquire(deadline);
      return outcome != Locked::interrupted;
    };
    if (!block_until(round, [] { return true; })) return nullptr;
  }
  if (outcome == Locked::timed_out || outcome == Locked::interrupted) Py_RETURN_FALSE;
  // A child that was forked while it was held has its parent's count.
  self.count = self.kind == Kind::recursive ? 1 : self.count + 1;
  self.thread = PyThread_get_thread_ident();
  if (outcome == Locked::from_dead && !warn_of_death(self)) return nullptr;
  Py_RETURN_TRUE;
}

PyObject* enter(PyObject* object, PyObject*) {
  Lock* self = Handle::made(object);
  return self == nullptr ? nullptr : take(*self, os::Deadline::never());
}

PyObject* acquire(PyObject* object, PyObject* const* given, Py_ssize_t count, PyObject* keywords) {
  static constexpr Signature kSignature{"acquire", 0, {"block", "timeout"}};
  if (count == 0 && keywords == nullptr) return enter(object, nullptr);
  Arguments arguments;
  if (!parse(kSignature, given, count, keywords, arguments)) return nullptr;
  Lock* self = Handle::made(object);
  os::Deadline deadline = os::Deadline::never();
  if (self == nullptr || !parse_acquire(arguments, deadline)) return nullptr;
  return take(*self, deadline);
}

PyObject* give_back(Lock& self) {
  if (self.kind == Kind::recursive) {
    if (!is_of_this_thread(self)) {
      PyErr_SetString(PyExc_AssertionError,
                      "attempt to release recursive lock not owned by thread");
      return nullptr;
    }
    if (self.count > 1) {
      --self.count;
      Py_RETURN_NONE;
    }
  }
  if (!self.engine->release()) {
    PyErr_SetString(PyExc_ValueError, "semaphore or lock released too many times");
    return nullptr;
  }
  --self.count;
  Py_RETURN_NONE;
}

PyObject* release(PyObject* object, PyObject*) {
  Lock* self = Handle::made(object);
  return self == nullptr ? nullptr : give_back(*self);
}

PyObject* leave(PyObject* object, PyObject* const*, Py_ssize_t) { return release(object, nullptr); }

PyObject* count_of(PyObject* object, PyObject*) {
  return PyLong_FromLong(Handle::self_of(object).count);
}

PyObject* is_mine(PyObject* object, PyObject*) {
  Lock* self = Handle::made(object);
  return self == nullptr ? nullptr : PyBool_FromLong(is_of_this_thread(*self));
}

PyObject* get_value(PyObject* object, PyObject*) {
  Lock* self = Handle::made(object);
  return self == nullptr ? nullptr : PyLong_FromLong(self->engine->is_held() ? 0 : 1);
}

PyObject* is_zero(PyObject* object, PyObject*) {
  Lock* self = Handle::made(object);
  return self == nullptr ? nullptr : PyBool_FromLong(self->engine->is_held());
}

PyObject* after_fork(PyObject* object, PyObject*) {
  Handle::self_of(object).count = 0;
  Py_RETURN_NONE;
}

PyObject* recovered(PyObject* object, void*) {
  Lock* self = Handle::made(object);
  if (self == nullptr) return nullptr;
  const std::int32_t dead = self->engine->last_dead();
  if (dead == 0) Py_RETURN_NONE;
  return PyLong_FromLong(dead);
}

PyObject* kind_of(PyObject* object, void*) {
  return PyLong_FromLong(static_cast<int>(Handle::self_of(object).kind));
}
PyObject* maximum(PyObject*, void*) { return PyLong_FromLong(1); }
// Stock's name is one in the file system; there is none.
PyObject* no_name(PyObject*, void*) { Py_RETURN_NONE; }

PyObject* handle_of(PyObject* object, void*) {
  Lock* self = Handle::made(object);
  return self == nullptr ? nullptr : PyLong_FromUnsignedLong(self->engine->name().block);
}

// -- making and freeing ---------------------------------------------------------------------------

bool set_up(PyObject* self, Result<sync::Lock> lock, bool recursive) {
  Handle::self_of(self).kind = recursive ? Kind::recursive : Kind::plain;
  return Handle::set_up(self, std::move(lock));
}

int initialise(PyObject* self, PyObject* arguments, PyObject* keywords) {
  static const char* const kNames[] = {"recursive", nullptr};
  int recursive = 0;
  if (PyArg_ParseTupleAndKeywords(arguments, keywords, "p:Lock", const_cast<char**>(kNames),
                                  &recursive) == 0) {
    return -1;
  }
  return set_up(self, sync::Lock::create(), recursive != 0) ? 0 : -1;
}

PyObject* open(PyObject* self, PyObject* arguments) {
  int recursive = 0;
  memory::SharedName name;
  if (PyArg_ParseTuple(arguments, "pII:_open", &recursive, &name.block, &name.time) == 0) {
    return nullptr;
  }
  if (!set_up(self, sync::Lock::open(name), recursive != 0)) return nullptr;
  Py_RETURN_NONE;
}

PyMethodDef methods[] = {
    {"acquire", as_method(acquire), METH_FASTCALL | METH_KEYWORDS,
     "acquire($self, /, block=True, timeout=None)\n--\n\nTake the lock; False when it is not free "
     "within `timeout` seconds (None: as long as it takes), with `block` false at once."},
    {"release", release, METH_NOARGS,
     "release($self, /)\n--\n\nGive it back. ValueError: nobody held it. AssertionError: not this "
     "thread (a recursive one)."},
    {"__enter__", enter, METH_NOARGS, nullptr},
    {"__exit__", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(leave)), METH_FASTCALL,
     nullptr},
    {"_count", count_of, METH_NOARGS, nullptr},
    {"_is_mine", is_mine, METH_NOARGS, nullptr},
    {"_get_value", get_value, METH_NOARGS, nullptr},
    {"_is_zero", is_zero, METH_NOARGS, nullptr},
    {"_after_fork", after_fork, METH_NOARGS, nullptr},
    {"_name", Handle::name_of, METH_NOARGS, nullptr},
    {"_hold_for", Handle::hold_for, METH_O, nullptr},
    {"_open", open, METH_VARARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

PyGetSetDef properties[] = {
    {"recovered", recovered, nullptr,
     "The process whose death released this lock, the last of them; None: none so far. Who takes "
     "the lock next after such a death also gets a RuntimeWarning.",
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
    {Py_tp_doc, const_cast<char*>("A lock of processes, plain or recursive.")},
    {0, nullptr},
};

PyType_Spec spec = {"onecopy._engine.Lock", sizeof(Lock), 0,
                    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, slots};

}  // namespace

bool add_lock_type(PyObject* module) {
  lock_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&spec));
  return lock_type != nullptr && PyModule_AddType(module, lock_type) == 0;
}

// Stock's argument `block` is an int before Python 3.12 and anything after; its time-out is looked
// at in both cases.
bool parse_acquire(const Arguments& arguments, os::Deadline& deadline) {
  int blocks = 1;
  if (arguments[0] != nullptr) {
#if PY_VERSION_HEX < 0x030C0000
    const Reference number(PyNumber_Index(arguments[0]));
    if (!number) return false;
    blocks = PyObject_IsTrue(number.get());
#else
    blocks = PyObject_IsTrue(arguments[0]);
#endif
  }
  if (blocks < 0 || !parse_timeout(arguments[1], deadline)) return false;
  if (blocks == 0) deadline = os::Deadline::after(0);
  return true;
}

const sync::Lock* engine_lock(PyObject* object) {
  if (!PyObject_TypeCheck(object, lock_type)) {
    PyErr_Format(PyExc_TypeError, "expected a lock of the engine, not %s",
                 Py_TYPE(object)->tp_name);
    return nullptr;
  }
  Lock* self = Handle::made(object);
  return self == nullptr ? nullptr : &*self->engine;
}

bool take_lock(PyObject* lock) {
  const Reference taken(enter(lock, nullptr));
  return static_cast<bool>(taken);
}

bool give_back_lock(PyObject* lock) {
  const Reference given_back(release(lock, nullptr));
  return static_cast<bool>(given_back);
}

int times_held(PyObject* lock) noexcept {
  const Lock& self = Handle::self_of(lock);
  return is_of_this_thread(self) ? self.count : 0;
}

bool is_held_again(PyObject* lock) noexcept {
  const Lock& self = Handle::self_of(lock);
  return self.kind == Kind::recursive && is_of_this_thread(self);
}

}  // namespace onecopy::python
