#include "value_decoder.hpp"

#include <cstring>

#include "bulk_memory.hpp"
#include "decode.hpp"
#include "errors.hpp"
#include "integers.hpp"
#include "numpy_api.hpp"
#include "shared_buffer.hpp"

namespace onecopy::python {
namespace {

using message::Item;
using message::Tag;

PyObject* from_number(double number) { return PyFloat_FromDouble(number); }
PyObject* from_number(std::int64_t number) { return from_int64(number); }

// While many containers are built, looking for garbage among them finds none and takes longer than
// building them.
class WithoutCollection {
 public:
#if PY_VERSION_HEX >= 0x030A0000
  explicit WithoutCollection(bool wanted) : was_enabled_(wanted && PyGC_Disable() != 0) {}
  ~WithoutCollection() {
    if (was_enabled_) PyGC_Enable();
  }
  WithoutCollection(const WithoutCollection&) = delete;
  WithoutCollection& operator=(const WithoutCollection&) = delete;

 private:
  bool was_enabled_;
#else
  explicit WithoutCollection(bool) {}
#endif
};

// A list of `count` numbers that lie, not aligned, at `data`.
template <class Number>
PyObject* list_of(const std::byte* data, std::uint64_t count) {
  const BulkMemory bulk(count * sizeof(PyFloatObject));
  Reference list(new_list(static_cast<Py_ssize_t>(count)));
  if (!list) return nullptr;
  for (std::uint64_t i = 0; i < count; ++i, data += sizeof(Number)) {
    Number number;
    std::memcpy(&number, data, sizeof number);
    PyObject* item = from_number(number);
    if (item == nullptr) return nullptr;
    PyList_SET_ITEM(list.get(), static_cast<Py_ssize_t>(i), item);
  }
  return list.release();
}

PyObject* big_integer(const Item& item) {
#if PY_VERSION_HEX >= 0x030D0000
  return PyLong_FromNativeBytes(item.data, item.length, Py_ASNATIVEBYTES_LITTLE_ENDIAN);
#else
  return _PyLong_FromByteArray(reinterpret_cast<const unsigned char*>(item.data), item.length, 1,
                               1);
#endif
}

}  // namespace

PyObject* ValueDecoder::read(std::size_t body_bytes) {
  const WithoutCollection building(body_bytes > channel::kInlineBody);
  Reference object(value());
  if (!object) return nullptr;
  return reader_.finish() ? object.release() : raise_fault();
}

PyObject* ValueDecoder::raise_fault() const { return raise(reader_.failure()); }

PyObject* ValueDecoder::value() {
  Item item;
  if (!reader_.next(item)) return raise_fault();
  switch (item.tag) {
    case Tag::integer:
      return from_int64(item.integer);
    case Tag::real:
      return PyFloat_FromDouble(item.real);
    case Tag::none:
      return new_reference(Py_None);
    case Tag::false_:
      return new_reference(Py_False);
    case Tag::true_:
      return new_reference(Py_True);
    case Tag::reference:
      return new_reference(remembered_[item.count].get());
    default:
      break;
  }
  Reference object(build(item));
  if (object && item.remember) remembered_.push_back(Reference::to(object.get()));
  return object.release();
}

PyObject* ValueDecoder::build(const Item& item) {
  switch (item.tag) {
    case Tag::complex:
      return PyComplex_FromDoubles(item.real, item.imaginary);
    case Tag::list:
      return list(item);
    case Tag::tuple:
      return tuple(item);
    case Tag::dict:
      return dict(item);
    case Tag::array:
      return array(item);
    case Tag::shared_array:
      blocks_.take();
      return make_shared_array(item);
    default:
      return from_data(item);
  }
}

PyObject* ValueDecoder::list(const Item& item) {
  const auto count = static_cast<Py_ssize_t>(item.count);
  Reference list(new_list(count));
  if (!list) return nullptr;
  for (Py_ssize_t i = 0; i < count; ++i) {
    PyObject* element = value();
    if (element == nullptr) return nullptr;
    PyList_SET_ITEM(list.get(), i, element);
  }
  reader_.leave(item);
  return list.release();
}

PyObject* ValueDecoder::tuple(const Item& item) {
  const auto count = static_cast<Py_ssize_t>(item.count);
  Reference tuple(PyTuple_New(count));
  if (!tuple) return nullptr;
  for (Py_ssize_t i = 0; i < count; ++i) {
    PyObject* element = value();
    if (element == nullptr) return nullptr;
    PyTuple_SET_ITEM(tuple.get(), i, element);
  }
  reader_.leave(item);
  return tuple.release();
}

PyObject* ValueDecoder::dict(const Item& item) {
  Reference dict(PyDict_New());
  if (!dict) return nullptr;
  for (std::uint64_t i = 0; i < item.count; ++i) {
    const Reference key(value());
    if (!key) return nullptr;
    const Reference element(value());
    if (!element) return nullptr;
    if (PyDict_SetItem(dict.get(), key.get(), element.get()) != 0) return nullptr;
  }
  reader_.leave(item);
  return dict.release();
}

PyObject* ValueDecoder::from_data(const Item& item) {
  const BlockInUse in_use(item.block == memory::kNoBlock ? memory::kNoBlock : blocks_.take());
  if (item.block != memory::kNoBlock) memory::prepare_block(item.block);
  const auto* text = reinterpret_cast<const char*>(item.data);
  const auto length = static_cast<Py_ssize_t>(item.length);
  switch (item.tag) {
    case Tag::string:
      return PyUnicode_DecodeUTF8(text, length, "surrogatepass");
    case Tag::bytes:
      return PyBytes_FromStringAndSize(text, length);
    case Tag::big_integer:
      return big_integer(item);
    case Tag::reals:
      return list_of<double>(item.data, item.count);
    case Tag::integers:
      return list_of<std::int64_t>(item.data, item.count);
    default:
      break;
  }
  // A record: C++ structs that only a C++ program of the same definition reads.
  PyErr_Format(PyExc_TypeError, "the message holds %s, which Python cannot read",
               message::name_of(item.tag));
  return nullptr;
}

PyObject* ValueDecoder::array(const Item& item) {
  if (item.block == memory::kNoBlock) return numpy::make_copy(item);
  const memory::BlockIndex block = blocks_.take();
  if (item.length >= kSmallestView) return numpy::make_view(item);
  const BlockInUse in_use(block);
  return numpy::make_copy(item);
}

}  // namespace onecopy::python
