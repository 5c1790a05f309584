#include "numpy_api.hpp"

#include <cstring>
#include <optional>
#include <utility>

#define ONECOPY_LOADS_NUMPY
#include "allocator.hpp"
#include "buffer.hpp"
#include "numpy_include.hpp"

namespace onecopy::python::numpy {

// Python's own declaration lacks the C linkage that the function has.
namespace c {
extern "C" int PyTraceMalloc_Untrack(unsigned int domain, std::uintptr_t address);
}

namespace {

// What tracemalloc files NumPy's data under.
constexpr unsigned kTraceDomain = 389047;

bool loaded = false;
bool unusable = false;  // there is a NumPy, but too old or too new a one

PyArrayObject* as_array(PyObject* object) noexcept {
  return reinterpret_cast<PyArrayObject*>(object);
}
PyArrayObject_fields* fields_of(PyObject* array) noexcept {
  return reinterpret_cast<PyArrayObject_fields*>(array);
}

// By size, not by name: `long` and `long long` are both i64 here, as they are to pickle.
constexpr ElementType integer_type(std::size_t size, bool is_signed) noexcept {
  switch (size) {
    case 1:
      return is_signed ? ElementType::int8 : ElementType::uint8;
    case 2:
      return is_signed ? ElementType::int16 : ElementType::uint16;
    case 4:
      return is_signed ? ElementType::int32 : ElementType::uint32;
    default:
      return is_signed ? ElementType::int64 : ElementType::uint64;
  }
}

std::optional<ElementType> data_type_of(int number) noexcept {
  switch (number) {
    case NPY_BOOL:
      return ElementType::boolean;
    case NPY_BYTE:
      return ElementType::int8;
    case NPY_UBYTE:
      return ElementType::uint8;
    case NPY_SHORT:
      return integer_type(sizeof(npy_short), true);
    case NPY_USHORT:
      return integer_type(sizeof(npy_short), false);
    case NPY_INT:
      return integer_type(sizeof(npy_int), true);
    case NPY_UINT:
      return integer_type(sizeof(npy_int), false);
    case NPY_LONG:
      return integer_type(sizeof(npy_long), true);
    case NPY_ULONG:
      return integer_type(sizeof(npy_long), false);
    case NPY_LONGLONG:
      return integer_type(sizeof(npy_longlong), true);
    case NPY_ULONGLONG:
      return integer_type(sizeof(npy_longlong), false);
    case NPY_HALF:
      return ElementType::float16;
    case NPY_FLOAT:
      return ElementType::float32;
    case NPY_DOUBLE:
      return ElementType::float64;
    case NPY_LONGDOUBLE:
      return ElementType::long_double;
    case NPY_CFLOAT:
      return ElementType::complex64;
    case NPY_CDOUBLE:
      return ElementType::complex128;
    default:
      return std::nullopt;
  }
}

int number_of(ElementType type) noexcept {
  switch (type) {
    case ElementType::boolean:
      return NPY_BOOL;
    case ElementType::int8:
      return NPY_INT8;
    case ElementType::int16:
      return NPY_INT16;
    case ElementType::int32:
      return NPY_INT32;
    case ElementType::int64:
      return NPY_INT64;
    case ElementType::uint8:
      return NPY_UINT8;
    case ElementType::uint16:
      return NPY_UINT16;
    case ElementType::uint32:
      return NPY_UINT32;
    case ElementType::uint64:
      return NPY_UINT64;
    case ElementType::float16:
      return NPY_HALF;
    case ElementType::float32:
      return NPY_FLOAT;
    case ElementType::float64:
      return NPY_DOUBLE;
    case ElementType::complex64:
      return NPY_CFLOAT;
    case ElementType::complex128:
      return NPY_CDOUBLE;
    case ElementType::long_double:
      return NPY_LONGDOUBLE;
  }
  return NPY_NOTYPE;
}

// Whether everything that an array looks through down to its data is its own: calls `visit` on the
// array and each of its bases that is an array, and leaves the last base in `root`.
template <class Visit>
bool walk_to_root(PyObject* array, PyObject*& root, const Visit& visit) {
  for (root = array; root != nullptr && Py_IS_TYPE(root, &PyArray_Type);) {
    if (!visit(root)) return false;
    PyObject* base = PyArray_BASE(as_array(root));
    if (base == nullptr) break;
    root = base;
  }
  return true;
}

bool is_unobserved(PyObject* array) {
  return Py_REFCNT(array) == 1 && fields_of(array)->weakreflist == nullptr &&
         !PyArray_CHKFLAGS(as_array(array), NPY_ARRAY_WRITEBACKIFCOPY);
}

// Nobody sees the array again; were it found all the same (by gc), it would look at nothing.
bool make_empty(PyObject* array) {
  npy_intp* extents = PyArray_DIMS(as_array(array));
  for (int axis = 0; axis < PyArray_NDIM(as_array(array)); ++axis) extents[axis] = 0;
  return true;
}

PyObject* make_array(const message::Item& item, void* data) {
  npy_intp shape[message::kMaximumDimensions];
  for (unsigned axis = 0; axis < item.dimensions; ++axis) {
    shape[axis] = static_cast<npy_intp>(item.extent(axis));
  }
  const int order = item.fortran_order ? NPY_ARRAY_F_CONTIGUOUS : NPY_ARRAY_C_CONTIGUOUS;
  const int flags = data == nullptr ? (item.fortran_order ? 1 : 0)
                                    : order | NPY_ARRAY_ALIGNED | NPY_ARRAY_WRITEABLE;
  PyArray_Descr* type = PyArray_DescrFromType(number_of(item.data_type));
  if (type == nullptr) return nullptr;
  return PyArray_NewFromDescr(&PyArray_Type, type, item.dimensions, shape, nullptr, data, flags,
                              nullptr);
}

PyObject* finish(PyObject* array, bool read_only) {
  if (read_only) PyArray_CLEARFLAGS(as_array(array), NPY_ARRAY_WRITEABLE);
  return array;
}

}  // namespace

bool load() {
  if (loaded) return true;
  loaded = _import_array() >= 0;
  return loaded;
}

bool is_imported() {
  static PyObject* const name = PyUnicode_InternFromString("numpy");
  static PyObject* const type_name = PyUnicode_InternFromString("ndarray");
  PyObject* modules = PyImport_GetModuleDict();
  if (name == nullptr || type_name == nullptr || modules == nullptr) return false;
  PyObject* module = PyDict_GetItemWithError(modules, name);
  // Not one whose import has only begun.
  if (module != nullptr && PyObject_HasAttr(module, type_name) != 0) return true;
  PyErr_Clear();
  return false;
}

bool is_array(PyObject* object) {
  if (loaded) return Py_IS_TYPE(object, &PyArray_Type);
  if (unusable || std::strcmp(Py_TYPE(object)->tp_name, "numpy.ndarray") != 0) return false;
  if (load()) return Py_IS_TYPE(object, &PyArray_Type);
  PyErr_Clear();  // its arrays go by pickle
  unusable = true;
  return false;
}

bool is_array_class(PyTypeObject* type) {
  if (!loaded) {
    if (unusable || !is_imported()) return false;
    if (!load()) {
      PyErr_Clear();
      unusable = true;
      return false;
    }
  }
  return PyType_IsSubtype(type, &PyArray_Type) != 0;
}

PyTypeObject* array_type() { return &PyArray_Type; }

bool describe(PyObject* object, Layout& layout) {
  PyArrayObject* array = as_array(object);
  const PyArray_Descr* descr = PyArray_DESCR(array);
  const auto type = data_type_of(descr->type_num);
  if (!type || !PyArray_ISNOTSWAPPED(array)) return false;
  if (PyDataType_METADATA(descr) != nullptr) return false;

  layout.type = *type;
  layout.read_only = !PyArray_ISWRITEABLE(array);
  layout.data = static_cast<const std::byte*>(PyArray_DATA(array));
  layout.bytes = static_cast<std::size_t>(PyArray_NBYTES(array));
  layout.fortran_order = PyArray_IS_F_CONTIGUOUS(array) && !PyArray_IS_C_CONTIGUOUS(array);
  layout.contiguous = layout.fortran_order || PyArray_IS_C_CONTIGUOUS(array);
  layout.strides.dimensions = static_cast<unsigned>(PyArray_NDIM(array));
  layout.strides.item_size = message::item_size(*type);
  for (unsigned axis = 0; axis < layout.strides.dimensions; ++axis) {
    layout.strides.shape[axis] =
        static_cast<std::uint64_t>(PyArray_DIM(array, static_cast<int>(axis)));
    layout.strides.step[axis] = PyArray_STRIDE(array, static_cast<int>(axis));
  }
  return true;
}

bool find_extent(PyObject* object, const std::byte*& first, std::span<const std::byte>& extent) {
  if (!load()) return false;
  if (!PyArray_Check(object)) {
    PyErr_SetString(PyExc_TypeError, "this is no NumPy array");
    return false;
  }
  PyArrayObject* array = as_array(object);
  first = static_cast<const std::byte*>(PyArray_DATA(array));
  if (PyArray_SIZE(array) == 0) {
    extent = {first, 0};
    return true;
  }
  const std::byte* low = first;
  const std::byte* high = first + PyArray_ITEMSIZE(array);
  for (int axis = 0; axis < PyArray_NDIM(array); ++axis) {
    const npy_intp reach = PyArray_STRIDE(array, axis) * (PyArray_DIM(array, axis) - 1);
    (reach < 0 ? low : high) += reach;
  }
  extent = {low, high};
  return true;
}

PyObject* make_strided(const message::Item& item, std::byte* first, PyObject* keeper) {
  Reference base(keeper);
  if (!load()) return nullptr;
  npy_intp shape[message::kMaximumDimensions];
  npy_intp strides[message::kMaximumDimensions];
  for (unsigned axis = 0; axis < item.dimensions; ++axis) {
    shape[axis] = static_cast<npy_intp>(item.extent(axis));
    strides[axis] = static_cast<npy_intp>(item.stride(axis));
  }
  PyArray_Descr* type = PyArray_DescrFromType(number_of(item.data_type));
  if (type == nullptr) return nullptr;
  Reference array(PyArray_NewFromDescr(&PyArray_Type, type, item.dimensions, shape, strides, first,
                                       NPY_ARRAY_WRITEABLE, nullptr));
  if (!array) return nullptr;
  if (PyArray_SetBaseObject(as_array(array.get()), base.release()) < 0) return nullptr;
  return finish(array.release(), item.read_only);
}

bool find_gift(PyObject* array, const Layout& layout, Gift& gift) {
  if (!layout.contiguous) return false;
  PyObject* root = nullptr;
  if (!walk_to_root(array, root, is_unobserved)) return false;

  const std::byte* begin = nullptr;
  if (const Buffer* buffer = as_buffer(root)) {
    if (Py_REFCNT(root) != 1 || buffer->block == memory::kNoBlock) return false;
    gift.block = buffer->block;
    begin = memory::block_data(gift.block);
  } else if (Py_IS_TYPE(root, &PyArray_Type) &&
             PyArray_CHKFLAGS(as_array(root), NPY_ARRAY_OWNDATA)) {
    begin = static_cast<const std::byte*>(PyArray_DATA(as_array(root)));
    gift.block = block_of_data(begin);
    if (gift.block == memory::kNoBlock) return false;
  } else {
    return false;
  }
  gift.offset = static_cast<std::uint64_t>(layout.data - begin);
  // A small part of a large block would keep all of it.
  return gift.offset % layout.strides.item_size == 0 &&
         2 * layout.bytes >= memory::block_length(gift.block);
}

bool give(PyObject* array, const Gift& gift, std::size_t bytes) {
  if (!memory::surrender_view(gift.block)) return false;
  memory::set_block_length(gift.block, gift.offset + bytes);
  PyObject* root = nullptr;
  walk_to_root(array, root, make_empty);
  if (Buffer* buffer = as_buffer(root)) {
    forget_block(buffer);
    return true;
  }
  const void* data = PyArray_DATA(as_array(root));
  forget_data(data);
  c::PyTraceMalloc_Untrack(kTraceDomain, reinterpret_cast<std::uintptr_t>(data));
  PyArray_CLEARFLAGS(as_array(root), NPY_ARRAY_OWNDATA);
  Py_CLEAR(fields_of(root)->mem_handler);
  return true;
}

bool exchange(PyObject* one, PyObject* other) {
  if (!load()) return false;
  if (!PyArray_Check(one) || !PyArray_Check(other)) {
    PyErr_SetString(PyExc_TypeError, "this is no NumPy array");
    return false;
  }
  PyArrayObject_fields& mine = *fields_of(one);
  PyArrayObject_fields& theirs = *fields_of(other);
  std::swap(mine.data, theirs.data);
  std::swap(mine.nd, theirs.nd);
  std::swap(mine.dimensions, theirs.dimensions);
  std::swap(mine.strides, theirs.strides);
  std::swap(mine.base, theirs.base);
  std::swap(mine.descr, theirs.descr);
  std::swap(mine.flags, theirs.flags);
  std::swap(mine.mem_handler, theirs.mem_handler);
  return true;
}

PyObject* make_copy(const message::Item& item) {
  if (!load()) return nullptr;
  PyObject* array = make_array(item, nullptr);
  if (array == nullptr) return nullptr;
  std::memcpy(PyArray_DATA(as_array(array)), item.data, item.length);
  return finish(array, item.read_only);
}

PyObject* make_view(const message::Item& item) {
  if (!load()) {
    memory::release_block(item.block);
    return nullptr;
  }
  const auto offset = static_cast<std::size_t>(item.data - memory::block_data(item.block));
  Reference buffer(make_buffer(item.block, offset, item.length, item.read_only));
  if (!buffer) return nullptr;
  Reference array(make_array(item, as_buffer(buffer.get())->data));
  if (!array) return nullptr;
  if (PyArray_SetBaseObject(as_array(array.get()), buffer.release()) < 0) return nullptr;
  return finish(array.release(), item.read_only);
}

}  // namespace onecopy::python::numpy
