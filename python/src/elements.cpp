#include "elements.hpp"

#include <atomic>
#include <cstring>

#include "element_kinds.hpp"
#include "lock.hpp"

namespace onecopy::python {
namespace {

// Equation: everything is null before _stand_on, and set after. `data` is the memory of `object`, a
// ctypes object of `length` elements of `kind` that `gate`, the lock in `lock`, guards.
struct Elements {
  PyObject_HEAD PyObject* object;
  PyObject* lock;
  const sync::Lock* gate;
  std::byte* data;
  Py_ssize_t length;
  const ElementKind* kind;
};

Elements& self_of(PyObject* object) noexcept { return *reinterpret_cast<Elements*>(object); }

// Null with an exception set before _stand_on.
Elements* made(PyObject* object) {
  Elements& self = self_of(object);
  if (self.object != nullptr) return &self;
  PyErr_SetString(PyExc_ValueError, "the synchronized object was never made");
  return nullptr;
}

bool is_failure(const PyObject* result) noexcept { return result == nullptr; }
bool is_failure(int result) noexcept { return result < 0; }

void drop(PyObject* result) noexcept { Py_XDECREF(result); }
void drop(int) noexcept {}

// What `work` answers, done with the lock held; `failure`, with an exception set, where the lock
// could not be got or given back.
template <class Result, class Work>
Result with_lock(Elements& self, Result failure, Work&& work) {
  if (!take_lock(self.lock)) return failure;
  const Result result = work();
  PyObject *type = nullptr, *value = nullptr, *traceback = nullptr;
  PyErr_Fetch(&type, &value, &traceback);
  const bool given_back = give_back_lock(self.lock);
  if (is_failure(result)) {
    // What happened under the lock is told, not that somebody else released it meanwhile.
    PyErr_Restore(type, value, traceback);
    return failure;
  }
  if (given_back) return result;
  drop(result);
  return failure;
}

// One store, or load, of the element's size: a death leaves it whole. Relaxed: gate and lock order
// it.
template <class Unsigned>
void move_bits(std::byte* element, Unsigned& bits, bool writes) noexcept {
  std::atomic_ref<Unsigned> shared(*reinterpret_cast<Unsigned*>(element));
  if (writes) {
    shared.store(bits, std::memory_order_relaxed);
  } else {
    bits = shared.load(std::memory_order_relaxed);
  }
}

void move_element(const Elements& self, Py_ssize_t index, Bits& bits, bool writes) noexcept {
  std::byte* const element = self.data + static_cast<std::size_t>(index) * self.kind->size;
  switch (self.kind->size) {
    case 1:
      return move_bits(element, bits.one, writes);
    case 2:
      return move_bits(element, bits.two, writes);
    case 4:
      return move_bits(element, bits.four, writes);
    default:
      return move_bits(element, bits.eight, writes);
  }
}

// Reads or writes an element whose index is in range. False with an exception set.
bool touch(Elements& self, Py_ssize_t index, Bits& bits, bool writes) {
  if (is_held_again(self.lock)) {
    move_element(self, index, bits, writes);
    return true;
  }
  if (sync::Announcement* const own = self.gate->begin_touch()) [[likely]] {
    move_element(self, index, bits, writes);
    sync::end_touch(own);
    return true;
  }
  return with_lock(self, -1, [&] {
           move_element(self, index, bits, writes);
           return 0;
         }) == 0;
}

PyObject* get_element(Elements& self, Py_ssize_t index) {
  Bits bits{.eight = 0};
  return touch(self, index, bits, false) ? self.kind->to_python(bits) : nullptr;
}

bool is_inside(const Elements& self, Py_ssize_t index) noexcept {
  return static_cast<std::size_t>(index) < static_cast<std::size_t>(self.length);
}

// -- slices ---------------------------------------------------------------------------------------

bool parse_run(const Elements& self, PyObject* slice, Run& run) {
  Py_ssize_t start = 0;
  Py_ssize_t stop = 0;
  if (PySlice_Unpack(slice, &start, &stop, &run.step) < 0) return false;
  run.count = PySlice_AdjustIndices(self.length, &start, &stop, run.step);
  run.first = self.data + start * static_cast<Py_ssize_t>(self.kind->size);
  return true;
}

// What Python has for one byte after the other is not a list. The lock is held.
PyObject* get_bytes(const Run& run) {
  PyObject* const bytes = PyBytes_FromStringAndSize(nullptr, run.count);
  if (bytes == nullptr) return nullptr;
  char* const to = PyBytes_AS_STRING(bytes);
  for (Py_ssize_t i = 0; i < run.count; ++i) to[i] = static_cast<char>(run.first[i * run.step]);
  return bytes;
}

PyObject* get_run(Elements& self, PyObject* slice) {
  Run run{};
  if (!parse_run(self, slice, run)) return nullptr;
  const bool is_bytes = self.kind->code == 'c';
  // Before the lock is taken: making a list may collect garbage, which runs code of the program's.
  Reference list(is_bytes ? nullptr : PyList_New(run.count));
  if (!is_bytes && !list) return nullptr;
  return with_lock(self, static_cast<PyObject*>(nullptr), [&]() -> PyObject* {
    if (is_bytes) return get_bytes(run);
    return self.kind->fill_list(run, list.get()) ? list.release() : nullptr;
  });
}

// Floating-point numbers that lie side by side in the format of ours: an array's, for example. (Of
// whole numbers ctypes takes Python's only, and refuses NumPy's.) False: something else.
bool write_buffer(const Elements& self, const Run& run, PyObject* value) {
  if ((self.kind->code != 'd' && self.kind->code != 'f') || PyObject_CheckBuffer(value) == 0) {
    return false;
  }
  Py_buffer view;
  if (PyObject_GetBuffer(value, &view, PyBUF_C_CONTIGUOUS | PyBUF_FORMAT) != 0) {
    PyErr_Clear();
    return false;
  }
  const auto size = static_cast<Py_ssize_t>(self.kind->size);
  const bool fits = view.ndim == 1 && view.format != nullptr && view.format[0] == self.kind->code &&
                    view.format[1] == '\0' && view.len == run.count * size;
  const auto* from = static_cast<const std::byte*>(view.buf);
  if (fits && run.step == 1) {
    std::memmove(run.first, from, static_cast<std::size_t>(view.len));
  } else if (fits) {
    for (Py_ssize_t i = 0; i < run.count; ++i) {
      std::memcpy(run.first + i * run.step * size, from + i * size, self.kind->size);
    }
  }
  PyBuffer_Release(&view);
  return fits;
}

// False: left to ctypes, which begins anew. The lock is held.
bool write_run(const Elements& self, const Run& run, PyObject* value) {
  if (!PyList_CheckExact(value) && !PyTuple_CheckExact(value)) {
    return write_buffer(self, run, value);
  }
  return PySequence_Fast_GET_SIZE(value) == run.count &&
         self.kind->write_all(run, PySequence_Fast_ITEMS(value));
}

int set_run(Elements& self, PyObject* slice, PyObject* value) {
  Run run{};
  if (!parse_run(self, slice, run)) return -1;
  return with_lock(self, -1, [&] {
    return write_run(self, run, value) ? 0 : PyObject_SetItem(self.object, slice, value);
  });
}

// -- through ctypes -------------------------------------------------------------------------------

PyObject* get_by_ctypes(Elements& self, PyObject* key) {
  return with_lock(self, static_cast<PyObject*>(nullptr),
                   [&] { return PyObject_GetItem(self.object, key); });
}

int set_by_ctypes(Elements& self, PyObject* key, PyObject* value) {
  return with_lock(self, -1, [&] { return PyObject_SetItem(self.object, key, value); });
}

// -- the protocols --------------------------------------------------------------------------------

// The index that `key` names; false where it is no index, or none of this array's: ctypes says so.
bool parse_index(const Elements& self, PyObject* key, Py_ssize_t& index) {
  if (!PyLong_CheckExact(key)) return false;
  index = PyLong_AsSsize_t(key);
  if (index == -1 && PyErr_Occurred() != nullptr) {
    PyErr_Clear();
    return false;
  }
  if (index < 0) index += self.length;
  return is_inside(self, index);
}

PyObject* get_item(PyObject* object, PyObject* key) {
  Elements* self = made(object);
  if (self == nullptr) return nullptr;
  Py_ssize_t index = 0;
  if (parse_index(*self, key, index)) [[likely]] {
    return get_element(*self, index);
  }
  return PySlice_Check(key) ? get_run(*self, key) : get_by_ctypes(*self, key);
}

int set_item(PyObject* object, PyObject* key, PyObject* value) {
  Elements* self = made(object);
  if (self == nullptr) return -1;
  if (value == nullptr) {
    PyErr_SetString(PyExc_AttributeError, "__delitem__");
    return -1;
  }
  if (PySlice_Check(key)) return set_run(*self, key, value);
  Py_ssize_t index = 0;
  Bits bits{.eight = 0};
  if (parse_index(*self, key, index) && self->kind->from_python(value, bits)) [[likely]] {
    return touch(*self, index, bits, true) ? 0 : -1;
  }
  return set_by_ctypes(*self, key, value);
}

// What iterating asks; with an index from 0 up.
PyObject* get_item_at(PyObject* object, Py_ssize_t index) {
  Elements* self = made(object);
  if (self == nullptr) return nullptr;
  if (is_inside(*self, index)) return get_element(*self, index);
  PyErr_SetString(PyExc_IndexError, "invalid index");
  return nullptr;
}

Py_ssize_t length_of(PyObject* object) {
  const Elements* self = made(object);
  return self == nullptr ? -1 : self->length;
}

PyObject* get_value(PyObject* object, void*) {
  Elements* self = made(object);
  return self == nullptr ? nullptr : get_element(*self, 0);
}

int set_value(PyObject* object, PyObject* value, void*) {
  Elements* self = made(object);
  if (self == nullptr) return -1;
  if (value == nullptr) {
    PyErr_SetString(PyExc_AttributeError, "can't delete attribute 'value'");
    return -1;
  }
  Bits bits{.eight = 0};
  if (self->kind->from_python(value, bits)) [[likely]] {
    return touch(*self, 0, bits, true) ? 0 : -1;
  }
  return with_lock(*self, -1, [&] { return PyObject_SetAttrString(self->object, "value", value); });
}

// -- making and freeing ---------------------------------------------------------------------------

// _stand_on(object, lock, code): what this looks into, what guards it, and what its elements are.
PyObject* stand_on(PyObject* self, PyObject* arguments) {
  PyObject* object = nullptr;
  PyObject* lock = nullptr;
  int code = 0;
  if (PyArg_ParseTuple(arguments, "OOC:_stand_on", &object, &lock, &code) == 0) return nullptr;
  const sync::Lock* const gate = engine_lock(lock);
  const ElementKind* const kind = element_kind(static_cast<char>(code));
  if (gate == nullptr) return nullptr;
  if (kind == nullptr || self_of(self).object != nullptr) {
    PyErr_SetString(PyExc_ValueError, kind == nullptr ? "no such kind of elements"
                                                      : "the synchronized object is made already");
    return nullptr;
  }
  Py_buffer view;
  if (PyObject_GetBuffer(object, &view, PyBUF_WRITABLE) != 0) return nullptr;
  // ctypes objects never move, and this keeps the object.
  auto* const data = static_cast<std::byte*>(view.buf);
  const Py_ssize_t length = view.len / static_cast<Py_ssize_t>(kind->size);
  PyBuffer_Release(&view);
  if (reinterpret_cast<std::uintptr_t>(data) % kind->size != 0) {
    PyErr_SetString(PyExc_ValueError, "the elements are not aligned to their size");
    return nullptr;
  }
  self_of(self).data = data;
  self_of(self).length = length;
  self_of(self).kind = kind;
  self_of(self).gate = gate;
  self_of(self).lock = new_reference(lock);
  self_of(self).object = new_reference(object);
  gate->open_gate();
  Py_RETURN_NONE;
}

// Takes any arguments: they are those of the Python class on top.
PyObject* allocate(PyTypeObject* type, PyObject*, PyObject*) { return type->tp_alloc(type, 0); }

int traverse(PyObject* self, visitproc visit, void* arg) {
#if PY_VERSION_HEX >= 0x03090000
  Py_VISIT(Py_TYPE(self));
#endif
  Py_VISIT(self_of(self).object);
  Py_VISIT(self_of(self).lock);
  return 0;
}

int clear(PyObject* self) {
  Py_CLEAR(self_of(self).object);
  Py_CLEAR(self_of(self).lock);
  return 0;
}

void deallocate(PyObject* self) {
  PyTypeObject* type = Py_TYPE(self);
  PyObject_GC_UnTrack(self);
  static_cast<void>(clear(self));
  type->tp_free(self);
  Py_DECREF(type);
}

PyObject* get_lock(PyObject* object, PyObject*) {
  const Elements* self = made(object);
  return self == nullptr ? nullptr : new_reference(self->lock);
}

PyMethodDef methods[] = {
    {"get_lock", get_lock, METH_NOARGS, "get_lock($self, /)\n--\n\nThe lock that guards this."},
    {"_stand_on", stand_on, METH_VARARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

PyGetSetDef value_property[] = {
    {"value", get_value, set_value, nullptr, nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

PyType_Slot array_slots[] = {
    {Py_tp_new, reinterpret_cast<void*>(allocate)},
    {Py_tp_dealloc, reinterpret_cast<void*>(deallocate)},
    {Py_tp_traverse, reinterpret_cast<void*>(traverse)},
    {Py_tp_clear, reinterpret_cast<void*>(clear)},
    {Py_tp_methods, methods},
    {Py_mp_length, reinterpret_cast<void*>(length_of)},
    {Py_mp_subscript, reinterpret_cast<void*>(get_item)},
    {Py_mp_ass_subscript, reinterpret_cast<void*>(set_item)},
    {Py_sq_length, reinterpret_cast<void*>(length_of)},
    {Py_sq_item, reinterpret_cast<void*>(get_item_at)},
    {Py_tp_doc, const_cast<char*>("The elements of a synchronized array.")},
    {0, nullptr},
};

PyType_Slot value_slots[] = {
    {Py_tp_new, reinterpret_cast<void*>(allocate)},
    {Py_tp_dealloc, reinterpret_cast<void*>(deallocate)},
    {Py_tp_traverse, reinterpret_cast<void*>(traverse)},
    {Py_tp_clear, reinterpret_cast<void*>(clear)},
    {Py_tp_methods, methods},
    {Py_tp_getset, value_property},
    {Py_tp_doc, const_cast<char*>("The one element of a synchronized value.")},
    {0, nullptr},
};

constexpr unsigned kFlags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_BASETYPE;
PyType_Spec array_spec = {"onecopy._engine.Elements", sizeof(Elements), 0, kFlags, array_slots};
PyType_Spec value_spec = {"onecopy._engine.Element", sizeof(Elements), 0, kFlags, value_slots};

}  // namespace

bool add_element_types(PyObject* module) {
  for (PyType_Spec* spec : {&array_spec, &value_spec}) {
    const Reference type(PyType_FromSpec(spec));
    if (!type || PyModule_AddType(module, reinterpret_cast<PyTypeObject*>(type.get())) != 0) {
      return false;
    }
  }
  return true;
}

}  // namespace onecopy::python
