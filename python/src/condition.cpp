#include "condition.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "arguments.hpp"
#include "lock.hpp"
#include "sync/condition.hpp"
#include "synchronizer.hpp"
#include "waiting.hpp"

namespace onecopy::python {
namespace {

using sync::Waited;

struct Condition {
  PyObject_HEAD std::optional<sync::Condition> engine;
  PyObject* lock;  // owned
};

using Handle = Synchronizer<Condition>;

// Null with AssertionError set, as under stock, where this thread does not have the lock.
Condition* with_lock(PyObject* object, const char* otherwise) {
  Condition* self = Handle::made(object);
  if (self == nullptr || times_held(self->lock) > 0) return self;
  PyErr_SetString(PyExc_AssertionError, otherwise);
  return nullptr;
}

// What was raised already stays raised, if the lock is there again.
bool take_lock_back(PyObject* lock, int times) {
  PyObject* type = nullptr;
  PyObject* value = nullptr;
  PyObject* traceback = nullptr;
  PyErr_Fetch(&type, &value, &traceback);
  for (int i = 0; i < times; ++i) {
    if (take_lock(lock)) continue;
    Py_XDECREF(type);
    Py_XDECREF(value);
    Py_XDECREF(traceback);
    return false;
  }
  PyErr_Restore(type, value, traceback);
  return true;
}

PyObject* wait(PyObject* object, PyObject* const* given, Py_ssize_t count, PyObject* keywords) {
  static constexpr Signature kSignature{"wait", 0, {"timeout"}};
  Arguments arguments;
  if (!parse(kSignature, given, count, keywords, arguments)) return nullptr;
  Condition* self = with_lock(object, "must acquire() condition before using wait()");
  os::Deadline deadline = os::Deadline::never();
  if (self == nullptr || !parse_timeout(arguments[0], deadline)) return nullptr;
  auto seat = self->engine->enter();
  if (!seat) return raise(seat.failure());
  const int times = times_held(self->lock);
  for (int i = 0; i < times; ++i) {
    if (give_back_lock(self->lock)) continue;
    self->engine->abandon(*seat);  // another process released it
    return nullptr;
  }

  sync::Slices slices(deadline);
  Waited waited = Waited::again;
  const auto round = [&] {
    waited = self->engine->wait(*seat, slices);
    return waited != Waited::again;
  };
  bool well = block_until(round, [] { return true; });
  bool notified = well && (waited == Waited::done || self->engine->give_up(*seat));
  if (!well) self->engine->abandon(*seat);
  well = take_lock_back(self->lock, times) && well;
  // What interrupts it now would find it back, and nobody notified.
  if (notified && well) well = PyErr_CheckSignals() == 0;
  if (notified && well) self->engine->leave(*seat);
  if (notified && !well) self->engine->abandon(*seat);
  return well ? PyBool_FromLong(notified) : nullptr;
}

// How many are to be notified: those that come before a number that counts 0, 1, 2 and so on.
bool parse_most(PyObject* object, std::uint32_t& most) {
  constexpr double kAll = std::numeric_limits<std::uint32_t>::max();
  const double number = PyFloat_AsDouble(object);
  if (number == -1.0 && PyErr_Occurred() != nullptr) {
    if (PyErr_ExceptionMatches(PyExc_OverflowError) == 0) return false;
    PyErr_Clear();  // more than all, or fewer than none
    const Reference zero(PyLong_FromLong(0));
    const int positive = zero ? PyObject_RichCompareBool(object, zero.get(), Py_GT) : -1;
    most = positive > 0 ? std::numeric_limits<std::uint32_t>::max() : 0;
    return positive >= 0;
  }
  // What is not a number is not above any either.
  most = number > 0 ? static_cast<std::uint32_t>(std::ceil(std::min(number, kAll))) : 0;
  return true;
}

PyObject* notify(PyObject* object, PyObject* const* given, Py_ssize_t count, PyObject* keywords) {
  static constexpr Signature kSignature{"notify", 0, {"n"}};
  Arguments arguments;
  if (!parse(kSignature, given, count, keywords, arguments)) return nullptr;
  Condition* self = with_lock(object, "lock is not owned");
  std::uint32_t most = 1;
  if (self == nullptr || (arguments[0] != nullptr && !parse_most(arguments[0], most))) {
    return nullptr;
  }
  self->engine->notify(most);
  Py_RETURN_NONE;
}

PyObject* notify_all(PyObject* object, PyObject*) {
  Condition* self = with_lock(object, "lock is not owned");
  if (self == nullptr) return nullptr;
  self->engine->notify(std::numeric_limits<std::uint32_t>::max());
  Py_RETURN_NONE;
}

PyObject* waiting(PyObject* object, PyObject*) {
  Condition* self = Handle::made(object);
  return self == nullptr ? nullptr : PyLong_FromUnsignedLong(self->engine->waiting());
}

PyObject* validate(PyObject* object, PyObject*) {
  Condition* self = Handle::made(object);
  return self == nullptr ? nullptr : PyUnicode_FromString(self->engine->validate().c_str());
}

PyObject* lock_of(PyObject* object, void*) {
  PyObject* lock = Handle::self_of(object).lock;
  return new_reference(lock != nullptr ? lock : Py_None);
}

bool set_up(PyObject* self, Result<sync::Condition> condition, PyObject* lock) {
  if (!Handle::set_up(self, std::move(condition))) return false;
  PyObject* before = Handle::self_of(self).lock;
  Handle::self_of(self).lock = new_reference(lock);
  Py_XDECREF(before);
  return true;
}

int initialise(PyObject* self, PyObject* arguments, PyObject* keywords) {
  static const char* const kNames[] = {"lock", nullptr};
  PyObject* lock = nullptr;
  if (PyArg_ParseTupleAndKeywords(arguments, keywords, "O:Condition", const_cast<char**>(kNames),
                                  &lock) == 0 ||
      engine_lock(lock) == nullptr) {
    return -1;
  }
  return set_up(self, sync::Condition::create(), lock) ? 0 : -1;
}

PyObject* open(PyObject* self, PyObject* arguments) {
  PyObject* lock = nullptr;
  memory::SharedName name;
  if (PyArg_ParseTuple(arguments, "OII:_open", &lock, &name.block, &name.time) == 0 ||
      engine_lock(lock) == nullptr) {
    return nullptr;
  }
  if (!set_up(self, sync::Condition::open(name), lock)) return nullptr;
  Py_RETURN_NONE;
}

void deallocate(PyObject* self) {
  Py_CLEAR(Handle::self_of(self).lock);
  Handle::deallocate(self);
}

PyMethodDef methods[] = {
    {"wait", as_method(wait), METH_FASTCALL | METH_KEYWORDS,
     "wait($self, /, timeout=None)\n--\n\nRelease the lock, wait to be notified, take the lock "
     "again; False when nobody notified within `timeout` seconds (None: as long as it takes). "
     "AssertionError: this thread does not have the lock. OSError: too many wait."},
    {"notify", as_method(notify), METH_FASTCALL | METH_KEYWORDS,
     "notify($self, /, n=1)\n--\n\nLet those `n` go on that have waited longest. AssertionError: "
     "this thread does not have the lock."},
    {"notify_all", notify_all, METH_NOARGS, "notify_all($self, /)\n--\n\nLet all go on that wait."},
    {"_waiting", waiting, METH_NOARGS, nullptr},
    {"_validate", validate, METH_NOARGS, nullptr},
    {"_name", Handle::name_of, METH_NOARGS, nullptr},
    {"_hold_for", Handle::hold_for, METH_O, nullptr},
    {"_open", open, METH_VARARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

PyGetSetDef properties[] = {
    {"_lock", lock_of, nullptr, nullptr, nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

PyType_Slot slots[] = {
    {Py_tp_new, reinterpret_cast<void*>(Handle::allocate)},
    {Py_tp_init, reinterpret_cast<void*>(initialise)},
    {Py_tp_dealloc, reinterpret_cast<void*>(deallocate)},
    {Py_tp_methods, methods},
    {Py_tp_getset, properties},
    {Py_tp_doc, const_cast<char*>("Waiters of processes, over a lock.")},
    {0, nullptr},
};

PyType_Spec spec = {"onecopy._engine.Condition", sizeof(Condition), 0,
                    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, slots};

}  // namespace

bool add_condition_type(PyObject* module) { return add_type(module, spec); }

}  // namespace onecopy::python
