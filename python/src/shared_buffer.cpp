#include "shared_buffer.hpp"

#include <algorithm>

#include "errors.hpp"
#include "memory/block.hpp"
#include "memory/own_view.hpp"
#include "memory/owner.hpp"
#include "memory/reference.hpp"
#include "numpy_api.hpp"
#include "waiting.hpp"

namespace onecopy::python {
namespace {

using memory::SharedName;

// Equation: `name` has a block exactly when `data` is not null; this object has a handle on it
// then. `of_arrays`: NumPy arrays that lie in it are sent as references, not as values. `own_view`:
// `data` is one, and what lies in it is sent as a value.
struct SharedBuffer {
  PyObject_HEAD SharedName name;
  std::byte* data;
  Py_ssize_t length;
  bool read_only;
  bool of_arrays;
  bool own_view;
};

PyTypeObject* buffer_type = nullptr;

// How many of arrays there are in this process, under the GIL.
Py_ssize_t living = 0;

// From here on a copy lets go of the GIL.
constexpr std::size_t kPiece = std::size_t{32} << 20;

SharedBuffer& self_of(PyObject* object) noexcept {
  return *reinterpret_cast<SharedBuffer*>(object);
}

int get_buffer(PyObject* object, Py_buffer* view, int flags) {
  SharedBuffer& self = self_of(object);
  return PyBuffer_FillInfo(view, object, self.data, self.length, self.read_only, flags);
}

// May run late, when the module is gone and the process about to end: the arena is still mapped.
void deallocate(PyObject* object) {
  PyTypeObject* type = Py_TYPE(object);
  const SharedBuffer& self = self_of(object);
  if (self.of_arrays) --living;
  if (self.own_view) memory::unmap_own_view(self.data, self.name);
  memory::let_go_shared(self.name);
  type->tp_free(object);
  Py_DECREF(type);
}

PyObject* refuse(PyTypeObject*, PyObject*, PyObject*) {
  PyErr_SetString(PyExc_TypeError, "only the engine makes shared buffers");
  return nullptr;
}

Py_ssize_t length_of(PyObject* object) { return self_of(object).length; }

PyObject* whole(SharedName name) {
  return make_shared_buffer(name, 0, memory::block_length(name.block), false);
}

PyObject* make(PyObject*, PyObject* arguments) {
  Py_ssize_t bytes = 0;
  int zero = 0;
  if (PyArg_ParseTuple(arguments, "np:_make", &bytes, &zero) == 0) return nullptr;
  const auto size = static_cast<std::size_t>(std::max<Py_ssize_t>(bytes, 0));
  auto block = zero != 0 ? memory::allocate_zero_block(size) : memory::allocate_block(size);
  if (!block) return raise(block.failure());
  return whole(memory::share_block(*block, memory::Purpose::array));
}

PyObject* make_for_elements(PyObject*, PyObject* length) {
  const Py_ssize_t bytes = PyLong_AsSsize_t(length);
  if (bytes == -1 && PyErr_Occurred() != nullptr) return nullptr;
  auto name = memory::make_shared_block(static_cast<std::size_t>(std::max<Py_ssize_t>(bytes, 0)),
                                        memory::Purpose::elements);
  return name ? whole(*name) : raise(name.failure());
}

bool fill(memory::BlockIndex block, const Py_buffer& source) {
  const auto bytes = static_cast<std::size_t>(source.len);
  const auto* from = static_cast<const std::byte*>(source.buf);
  for (std::size_t done = 0; done < bytes;) {
    const std::size_t piece = std::min(kPiece, bytes - done);
    const auto copy = [&] { return memory::fill_block(block, done, from + done, piece); };
    const Result<void> filled = piece >= kWorthLettingGo ? without_gil(copy) : copy();
    if (!filled) {
      raise(filled.failure());
      return false;
    }
    done += piece;
    if (done < bytes && PyErr_CheckSignals() != 0) return false;
  }
  return true;
}

PyObject* copy_of(PyObject*, PyObject* object) {
  Py_buffer source;
  if (PyObject_GetBuffer(object, &source, PyBUF_SIMPLE) != 0) return nullptr;
  PyObject* made = nullptr;
  auto block = memory::allocate_block(static_cast<std::size_t>(source.len));
  if (!block) {
    raise(block.failure());
  } else if (fill(*block, source)) {
    made = whole(memory::share_block(*block, memory::Purpose::array));
  } else {
    memory::release_block(*block);
  }
  PyBuffer_Release(&source);
  return made;
}

PyObject* open(PyObject*, PyObject* arguments) {
  SharedName name;
  if (PyArg_ParseTuple(arguments, "II:_open", &name.block, &name.time) == 0) return nullptr;
  if (auto held = memory::hold_shared(name); !held) return raise(held.failure());
  return whole(name);
}

PyObject* around(PyObject*, PyObject* array) {
  SharedPlace place;
  if (!find_shared(array, place)) {
    if (PyErr_Occurred() != nullptr) return nullptr;
    Py_RETURN_NONE;
  }
  if (auto held = memory::hold_shared(place.name); !held) return raise(held.failure());
  return Py_BuildValue("(NK)", whole(place.name), static_cast<unsigned long long>(place.offset));
}

PyObject* own_view(PyObject* object, PyObject*) {
  const SharedBuffer& self = self_of(object);
  auto view = memory::map_own_view(self.name);
  if (!view) return raise(view.failure());
  SharedBuffer* made = PyObject_New(SharedBuffer, buffer_type);
  if (made == nullptr) {
    memory::unmap_own_view(*view, self.name);
    return nullptr;
  }
  // This object has a handle: one more cannot be refused.
  static_cast<void>(memory::hold_shared(self.name));
  made->name = self.name;
  made->data = *view;
  made->length = self.length;
  made->read_only = false;
  made->of_arrays = false;
  made->own_view = true;
  return reinterpret_cast<PyObject*>(made);
}

PyObject* name_of(PyObject* object, PyObject*) {
  const SharedName name = self_of(object).name;
  return Py_BuildValue("(II)", name.block, name.time);
}

PyObject* hold_for(PyObject* object, PyObject* slot) {
  const unsigned long number = PyLong_AsUnsignedLong(slot);
  if (PyErr_Occurred() != nullptr) return nullptr;
  memory::hold_shared_for(self_of(object).name, static_cast<memory::Slot>(number));
  Py_RETURN_NONE;
}

PyObject* are_there(PyObject*, PyObject*) { return PyBool_FromLong(living != 0); }

PyMethodDef methods[] = {
    {"_make", make, METH_VARARGS | METH_CLASS, nullptr},
    {"_make_for_elements", make_for_elements, METH_O | METH_CLASS, nullptr},
    {"_copy_of", copy_of, METH_O | METH_CLASS, nullptr},
    {"_open", open, METH_VARARGS | METH_CLASS, nullptr},
    {"_around", around, METH_O | METH_CLASS, nullptr},
    {"_are_there", are_there, METH_NOARGS | METH_CLASS, nullptr},
    {"_own_view", own_view, METH_NOARGS, nullptr},
    {"_name", name_of, METH_NOARGS, nullptr},
    {"_hold_for", hold_for, METH_O, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

PyType_Slot slots[] = {
    {Py_tp_new, reinterpret_cast<void*>(refuse)},
    {Py_tp_dealloc, reinterpret_cast<void*>(deallocate)},
    {Py_tp_methods, methods},
    {Py_bf_getbuffer, reinterpret_cast<void*>(get_buffer)},
    {Py_sq_length, reinterpret_cast<void*>(length_of)},
    {Py_tp_doc, const_cast<char*>("Memory that is one and the same for all who have it.")},
    {0, nullptr},
};

PyType_Spec spec = {
    "onecopy._engine.SharedBuffer", sizeof(SharedBuffer), 0, Py_TPFLAGS_DEFAULT, slots,
};

// The shared block of arrays where `address` lies, and for which this process has a SharedBuffer;
// else a name without a block.
SharedName shared_array_at(const void* address) noexcept {
  if (living == 0) return {};
  return memory::shared_at(address, memory::Purpose::array);
}

}  // namespace

bool add_shared_buffer_type(PyObject* module) {
  buffer_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&spec));
  return buffer_type != nullptr && PyModule_AddType(module, buffer_type) == 0;
}

PyObject* make_shared_buffer(SharedName name, std::uint64_t offset, std::uint64_t length,
                             bool read_only) {
  const std::uint64_t room = memory::block_length(name.block);
  SharedBuffer* made = nullptr;
  if (offset > room || length > room - offset) {
    raise({Error::corrupt, 0, "the message names a part of shared memory that it does not have"});
  } else {
    made = PyObject_New(SharedBuffer, buffer_type);
  }
  if (made == nullptr) {
    memory::let_go_shared(name);
    return nullptr;
  }
  made->of_arrays = memory::purpose_of(name.block) == memory::Purpose::array;
  if (made->of_arrays) ++living;
  made->name = name;
  made->data = memory::block_data(name.block) + offset;
  made->length = static_cast<Py_ssize_t>(length);
  made->read_only = read_only;
  made->own_view = false;
  return reinterpret_cast<PyObject*>(made);
}

bool find_shared(PyObject* array, SharedPlace& place) {
  if (living == 0) return false;
  const std::byte* first = nullptr;
  std::span<const std::byte> extent;
  if (!numpy::find_extent(array, first, extent)) return false;
  place.name = shared_array_at(extent.data());
  if (place.name.block == memory::kNoBlock) return false;
  const std::byte* block = memory::block_data(place.name.block);
  place.offset = static_cast<std::uint64_t>(first - block);
  return extent.data() + extent.size() <= block + memory::block_length(place.name.block);
}

PyObject* make_shared_array(const message::Item& item) {
  const auto name = memory::take_reference(item.block);
  if (!name) return raise(name.failure());
  Reference buffer(whole(*name));
  if (!buffer) return nullptr;
  if (!item.lies_in(memory::block_length(name->block))) {
    return raise({Error::corrupt, 0, "the message has an array that leaves its shared memory"});
  }
  std::byte* first = self_of(buffer.get()).data + item.offset;
  return numpy::make_strided(item, first, buffer.release());
}

SharedName shared_memory_of(const Py_buffer& view) noexcept {
  if (view.obj != nullptr && Py_TYPE(view.obj) == buffer_type) {
    return self_of(view.obj).own_view ? SharedName{} : self_of(view.obj).name;
  }
  return shared_array_at(view.buf);
}

}  // namespace onecopy::python
