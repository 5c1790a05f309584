#include "door.hpp"

#include <nanobind/stl/string.h>

#include <memory>
#include <mutex>
#include <new>
#include <string>

#include "errors.hpp"
#include "os/system.hpp"
#include "process/door.hpp"
#include "process/joining.hpp"
#include "sync/wait.hpp"
#include "waiting.hpp"

namespace onecopy::python {
namespace {

struct DoorState {
  std::mutex mutex;  // a round each; in a forked child a thread that is not there may have it
  process::Door door;
  pid_t opener = os::process_id();

  explicit DoorState(process::Door opened) noexcept : door(std::move(opened)) {}
};

using State = std::shared_ptr<DoorState>;

struct Door {
  PyObject_HEAD
      // Calls keep what they are inside of; null: closed.
      State state;
};

Door& self_of(PyObject* object) noexcept { return *reinterpret_cast<Door*>(object); }

bool is_open(PyObject* self) noexcept {
  const State& state = self_of(self).state;
  return state && state->opener == os::process_id();
}

PyObject* raise_closed() {
  return raise_os_error("the door is closed, or another process has opened it");
}

PyObject* admit(PyObject* self, PyObject* timeout) {
  os::Deadline deadline = os::Deadline::never();
  if (!parse_timeout(timeout, deadline)) return nullptr;
  if (!is_open(self)) return raise_closed();
  const State state = self_of(self).state;
  Result<pid_t> admitted = Error::timed_out;
  const auto round = [&] {
    const std::lock_guard guard(state->mutex);
    admitted = state->door.admit(deadline.earlier_of(sync::kSlice));
    if (admitted.error() == Error::interrupted) return false;
    return admitted.error() != Error::timed_out || deadline.expired();
  };
  const auto still_open = [&] {
    if (self_of(self).state == state) return true;
    raise_closed();
    return false;
  };
  if (!block_until(round, still_open)) return nullptr;
  if (admitted.error() == Error::timed_out) Py_RETURN_NONE;
  return admitted ? PyLong_FromLong(*admitted) : raise(admitted.failure());
}

PyObject* fileno(PyObject* self, PyObject*) {
  if (!is_open(self)) return raise_closed();
  return PyLong_FromLong(self_of(self).state->door.descriptor());
}

PyObject* path(PyObject* self, void*) {
  if (!is_open(self)) return raise_closed();
  return PyUnicode_DecodeFSDefault(self_of(self).state->door.path().c_str());
}

PyObject* closed(PyObject* self, void*) { return PyBool_FromLong(!is_open(self)); }

PyObject* close(PyObject* self, PyObject*) {
  const State closed = std::move(self_of(self).state);
  Py_RETURN_NONE;
}

PyObject* allocate(PyTypeObject* type, PyObject*, PyObject*) {
  PyObject* self = type->tp_alloc(type, 0);
  if (self != nullptr) ::new (&self_of(self).state) State;
  return self;
}

int initialise(PyObject* self, PyObject* arguments, PyObject* keywords) {
  static const char* const kNames[] = {"path", "note", nullptr};
  PyObject* given = nullptr;
  const char* note = nullptr;
  Py_ssize_t note_bytes = 0;
  if (PyArg_ParseTupleAndKeywords(arguments, keywords, "O&y#:Door", const_cast<char**>(kNames),
                                  PyUnicode_FSConverter, &given, &note, &note_bytes) == 0) {
    return -1;
  }
  const Reference encoded(given);
  auto opened = process::Door::open(PyBytes_AS_STRING(encoded.get()),
                                    {note, static_cast<std::size_t>(note_bytes)});
  if (!opened) {
    raise(opened.failure());
    return -1;
  }
  try {
    self_of(self).state = std::make_shared<DoorState>(std::move(*opened));
  } catch (const std::bad_alloc&) {
    PyErr_NoMemory();
    return -1;
  }
  return 0;
}

void deallocate(PyObject* self) {
  PyTypeObject* type = Py_TYPE(self);
  self_of(self).state.~State();
  type->tp_free(self);
  Py_DECREF(type);
}

PyMethodDef methods[] = {
    {"admit", admit, METH_O, "admit($self, timeout, /)\n--\n\nThe process that has come in."},
    {"fileno", fileno, METH_NOARGS, nullptr},
    {"close", close, METH_NOARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

PyGetSetDef properties[] = {
    {"path", path, nullptr, nullptr, nullptr},
    {"closed", closed, nullptr, nullptr, nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

PyType_Slot slots[] = {
    {Py_tp_new, reinterpret_cast<void*>(allocate)},
    {Py_tp_init, reinterpret_cast<void*>(initialise)},
    {Py_tp_dealloc, reinterpret_cast<void*>(deallocate)},
    {Py_tp_methods, methods},
    {Py_tp_getset, properties},
    {Py_tp_doc, const_cast<char*>("A door to this process's family.")},
    {0, nullptr},
};

PyType_Spec spec = {"onecopy._engine.Door", sizeof(Door), 0, Py_TPFLAGS_DEFAULT, slots};

nb::bytes join(const std::string& door, nb::object timeout) {
  os::Deadline deadline = os::Deadline::never();
  if (!parse_timeout(timeout.ptr(), deadline)) throw nb::python_error();
  process::Joining joining(door, deadline);
  Result<bool> joined = false;
  const auto round = [&] {
    joined = joining.round();
    return !joined || *joined;
  };
  if (!block_until(round, [] { return true; })) throw nb::python_error();
  value_or_raise(std::move(joined));
  return nb::bytes(joining.note().data(), joining.note().size());
}

}  // namespace

bool add_door_type(PyObject* module) {
  auto* type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&spec));
  return type != nullptr && PyModule_AddType(module, type) == 0;
}

void add_join_function(nb::module_& module) {
  module.def("join_door", &join, nb::arg("path"), nb::arg("timeout").none());
}

}  // namespace onecopy::python
