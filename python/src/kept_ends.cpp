#include "kept_ends.hpp"

#include <unistd.h>

#include <new>
#include <optional>
#include <utility>
#include <vector>

#include "process/lifelines.hpp"
#include "synchronizer.hpp"

namespace onecopy::python {
namespace {

// Belongs to one process: in a forked child the numbers may be those of other files by now.
struct Ends {
  std::vector<int> descriptors;
  int lifeline = -1;
  pid_t process = ::getpid();

  void cut_lifeline() noexcept {
    const int kept = std::exchange(lifeline, -1);
    if (kept >= 0 && process == ::getpid()) process::close_lifeline(kept);
  }

  void close() noexcept {
    cut_lifeline();
    if (process == ::getpid()) {
      for (const int descriptor : descriptors) ::close(descriptor);
    }
    descriptors.clear();
  }
};

// The GIL guards it.
struct KeptEnds {
  PyObject_HEAD Ends ends;
};

Ends& ends_of(PyObject* object) noexcept { return reinterpret_cast<KeptEnds*>(object)->ends; }

std::optional<std::vector<int>> descriptors_in(PyObject* sequence) {
  const Reference fast(PySequence_Fast(sequence, "descriptors have to be a sequence"));
  if (!fast) return std::nullopt;
  std::vector<int> descriptors;
  descriptors.reserve(static_cast<std::size_t>(PySequence_Fast_GET_SIZE(fast.get())));
  for (Py_ssize_t index = 0; index < PySequence_Fast_GET_SIZE(fast.get()); ++index) {
    const int descriptor = PyObject_AsFileDescriptor(PySequence_Fast_GET_ITEM(fast.get(), index));
    if (descriptor < 0) return std::nullopt;
    descriptors.push_back(descriptor);
  }
  return descriptors;
}

PyObject* allocate(PyTypeObject* type, PyObject*, PyObject*) {
  PyObject* self = type->tp_alloc(type, 0);
  if (self != nullptr) ::new (&ends_of(self)) Ends;
  return self;
}

PyObject* take(PyObject* self, PyObject* arguments) {
  PyObject* registry = nullptr;
  PyObject* key = nullptr;
  PyObject* sequence = nullptr;
  int lifeline = -1;
  if (PyArg_ParseTuple(arguments, "O!OOi:take", &PyDict_Type, &registry, &key, &sequence,
                       &lifeline) == 0) {
    return nullptr;
  }
  std::optional<std::vector<int>> descriptors = descriptors_in(sequence);
  if (!descriptors) return nullptr;
  // The last that can fail.
  if (PyDict_DelItem(registry, key) != 0) return nullptr;
  Ends& ends = ends_of(self);
  ends.close();
  ends.descriptors = std::move(*descriptors);
  ends.lifeline = lifeline;
  Py_RETURN_NONE;
}

void deallocate(PyObject* self) {
  PyTypeObject* type = Py_TYPE(self);
  ends_of(self).close();
  ends_of(self).~Ends();
  type->tp_free(self);
  Py_DECREF(type);
}

PyObject* call(PyObject* self, PyObject* /*arguments*/, PyObject* /*keywords*/) {
  ends_of(self).close();
  Py_RETURN_NONE;
}

PyObject* cut_lifeline(PyObject* self, PyObject*) {
  ends_of(self).cut_lifeline();
  Py_RETURN_NONE;
}

PyMethodDef methods[] = {
    {"take", take, METH_VARARGS,
     "take($self, registry, key, descriptors, lifeline, /)\n--\n\nThese are its own from now on, "
     "and no longer whose entry in the registry has that key."},
    {"cut_lifeline", cut_lifeline, METH_NOARGS,
     "cut_lifeline($self, /)\n--\n\nClose the lifeline alone: the child has ended."},
    {nullptr, nullptr, 0, nullptr},
};

PyType_Slot slots[] = {
    {Py_tp_new, reinterpret_cast<void*>(allocate)},
    {Py_tp_dealloc, reinterpret_cast<void*>(deallocate)},
    {Py_tp_call, reinterpret_cast<void*>(call)},
    {Py_tp_methods, methods},
    {Py_tp_doc, const_cast<char*>("KeptEnds()\n--\n\nWhat a parent keeps open of a child, until "
                                  "it is called or gone.")},
    {0, nullptr},
};

PyType_Spec spec = {"onecopy._engine.KeptEnds", sizeof(KeptEnds), 0, Py_TPFLAGS_DEFAULT, slots};

}  // namespace

bool add_kept_ends_type(PyObject* module) { return add_type(module, spec); }

}  // namespace onecopy::python
