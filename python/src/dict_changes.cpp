#include "dict_changes.hpp"

#include <atomic>

namespace onecopy::python {

#if PY_VERSION_HEX >= 0x030C0000

namespace {

// Relaxed: whoever changes a dictionary while another thread sends is in no order with it anyway.
std::atomic<bool> changed{true};

int note_change(PyDict_WatchEvent, PyObject*, PyObject*, PyObject*) {
  changed.store(true, std::memory_order_relaxed);
  return 0;
}

}  // namespace

bool DictChanges::watch(PyObject* dict) {
  static const int watcher = PyDict_AddWatcher(note_change);
  if (watcher < 0) {
    if (PyErr_Occurred() == nullptr) PyErr_SetString(PyExc_RuntimeError, "no dict watcher is left");
    return false;
  }
  if (PyDict_Watch(watcher, dict) != 0) return false;
  watched_.push_back({new_reference(dict), 0});
  changed.store(true, std::memory_order_relaxed);
  return true;
}

bool DictChanges::any() noexcept {
  if (!changed.load(std::memory_order_relaxed)) return false;
  changed.store(false, std::memory_order_relaxed);
  return true;
}

#else

bool DictChanges::watch(PyObject* dict) {
  if (!PyDict_Check(dict)) {
    PyErr_Format(PyExc_TypeError, "not a dict: %.200s", Py_TYPE(dict)->tp_name);
    return false;
  }
  watched_.push_back({new_reference(dict), 0});  // no state of a dictionary has version 0
  return true;
}

bool DictChanges::any() noexcept {
  bool changed = false;
  for (Watched& watched : watched_) {
    const std::uint64_t now = reinterpret_cast<PyDictObject*>(watched.dict)->ma_version_tag;
    changed |= now != watched.version;
    watched.version = now;
  }
  return changed;
}

#endif

}  // namespace onecopy::python
