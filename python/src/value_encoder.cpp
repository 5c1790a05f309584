#include "value_encoder.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>

#include "errors.hpp"
#include "integers.hpp"
#include "numpy_api.hpp"
#include "reducers.hpp"
#include "shared_buffer.hpp"
#include "trace/trace.hpp"

namespace onecopy::python {
namespace {

// From this size on data travel in a block of their own instead of in the body.
using message::kBlockThreshold;

// Small integers take a byte or two each where they are written one by one.
constexpr Py_ssize_t kFewestPacked = 16;

// The format has no larger array.
constexpr std::size_t kLargestShared = std::size_t{1} << 62;

// Numbers are collected in a piece of the processor's cache on their way into a block.
constexpr std::size_t kPackedRun = 8192;

bool to_number(PyObject* item, double& number) noexcept {
  if (!PyFloat_CheckExact(item)) return false;
  number = PyFloat_AS_DOUBLE(item);
  return true;
}

bool to_number(PyObject* item, std::int64_t& number) noexcept {
  return PyLong_CheckExact(item) && to_int64(item, number);
}

// How many items from `first` on are such numbers, `most` at most; they are put into `run`.
template <class Number>
std::size_t convert(PyObject* list, std::size_t first, std::size_t most, Number* run) noexcept {
  // The numbers of a list that was not built in one go lie anywhere.
  constexpr std::size_t kAhead = 16;
  PyObject** items = PySequence_Fast_ITEMS(list) + first;
  std::size_t count = 0;
  while (count < most && to_number(items[count], run[count])) {
    if (count + kAhead < most) __builtin_prefetch(items[count + kAhead]);
    ++count;
  }
  return count;
}

// The list as a block of numbers. Fit::no where something else is in it.
template <class Number>
Fit pack_into_block(PyObject* list, std::size_t count, memory::BlockIndex& block) {
  auto allocated = memory::allocate_block(count * sizeof(Number));
  if (!allocated) {
    raise(allocated.failure());
    return Fit::error;
  }
  block = *allocated;
  std::array<Number, kPackedRun> run;
  Result<void> filled;
  for (std::size_t done = 0; done < count && filled;) {
    const std::size_t wanted = std::min(kPackedRun, count - done);
    if (convert(list, done, wanted, run.data()) != wanted) {
      memory::release_block(block);
      return Fit::no;
    }
    filled = memory::fill_block(block, done * sizeof(Number), run.data(), wanted * sizeof(Number));
    done += wanted;
  }
  if (filled) {
    trace::add(trace::Counter::buffers_copied, 1);
    trace::add(trace::Counter::bytes_copied, count * sizeof(Number));
    return Fit::yes;
  }
  memory::release_block(block);
  raise(filled.failure());
  return Fit::error;
}

}  // namespace

Fit ValueEncoder::write(PyObject* object, bool temporary) {
  const bool container =
      PyList_CheckExact(object) || PyTuple_CheckExact(object) || PyDict_CheckExact(object);
  // Noted, so that a container that holds itself is found; there is nothing to remember it for.
  if (container && !temporary) message_.identities.look_up(object);
  return container ? body_of(object, temporary, false) : value(object, temporary);
}

Fit ValueEncoder::value(PyObject* object, bool alone) {
  const PyTypeObject* type = Py_TYPE(object);
  if (type == &PyLong_Type) return integer(object);
  if (type == &PyFloat_Type) {
    writer_.real(PyFloat_AS_DOUBLE(object));
    return Fit::yes;
  }
  if (object == Py_None) {
    writer_.none();
    return Fit::yes;
  }
  if (type == &PyBool_Type) {
    writer_.boolean(object == Py_True);
    return Fit::yes;
  }
  if (type == &PyComplex_Type) {
    const int reduced = complex_has_reducer();
    if (reduced != 0) return reduced > 0 ? Fit::no : Fit::error;
    writer_.complex(PyComplex_RealAsDouble(object), PyComplex_ImagAsDouble(object));
    return Fit::yes;
  }
  return with_identity(object, alone && Py_REFCNT(object) == 1);
}

Fit ValueEncoder::with_identity(PyObject* object, bool alone) {
  const PyTypeObject* type = Py_TYPE(object);
  // The empty and the one-character ones are one object each in every interpreter anyway.
  bool is_one_of_a_kind = false;
  if (type == &PyUnicode_Type) {
    is_one_of_a_kind = PyUnicode_GET_LENGTH(object) <= 1;
  } else if (type == &PyBytes_Type) {
    is_one_of_a_kind = PyBytes_GET_SIZE(object) <= 1;
  } else if (type == &PyTuple_Type) {
    is_one_of_a_kind = PyTuple_GET_SIZE(object) == 0;
  } else if (type != &PyList_Type && type != &PyDict_Type && !numpy::is_array(object)) {
    return Fit::no;
  }
  if (Py_REFCNT(object) == 1 || is_one_of_a_kind) return body_of(object, alone, false);

  const std::uint32_t number = message_.identities.look_up(object);
  if (number == IdentityTable::kOpen) return Fit::no;
  if (number != IdentityTable::kNew) {
    writer_.reference(number);
    return Fit::yes;
  }
  const Fit fit = body_of(object, alone, true);
  if (fit == Fit::yes) message_.identities.set_number(object, writer_.remembered() - 1);
  return fit;
}

Fit ValueEncoder::body_of(PyObject* object, bool alone, bool remember) {
  const PyTypeObject* type = Py_TYPE(object);
  if (type == &PyUnicode_Type) return string(object, remember);
  if (type == &PyBytes_Type) return bytes(object, remember);
  if (type == &PyList_Type) return list(object, alone, remember);
  if (type == &PyTuple_Type) return tuple(object, alone, remember);
  if (type == &PyDict_Type) return dict(object, alone, remember);
  return array(object, alone, remember);
}

Fit ValueEncoder::integer(PyObject* object) {
  std::int64_t value = 0;
  if (!to_int64(object, value)) return big_integer(object);
  writer_.integer(value);
  return Fit::yes;
}

Fit ValueEncoder::big_integer(PyObject* object) {
  std::vector<std::byte> digits;
#if PY_VERSION_HEX >= 0x030D0000
  const Py_ssize_t size = PyLong_AsNativeBytes(object, nullptr, 0, Py_ASNATIVEBYTES_LITTLE_ENDIAN);
  if (size < 0) return Fit::error;
  digits.resize(static_cast<std::size_t>(size));
  const Py_ssize_t written =
      PyLong_AsNativeBytes(object, digits.data(), size, Py_ASNATIVEBYTES_LITTLE_ENDIAN);
  if (written < 0) return Fit::error;
#else
  const std::size_t bits = _PyLong_NumBits(object);
  if (bits == static_cast<std::size_t>(-1) && PyErr_Occurred() != nullptr) return Fit::error;
  digits.resize(bits / 8 + 1);  // a bit for the sign
  if (_PyLong_AsByteArray(reinterpret_cast<PyLongObject*>(object),
                          reinterpret_cast<unsigned char*>(digits.data()), digits.size(), 1,
                          1) < 0) {
    return Fit::error;
  }
#endif
  writer_.big_integer(digits);
  return Fit::yes;
}

Fit ValueEncoder::string(PyObject* object, bool remember) {
  Py_ssize_t length = 0;
  if (PyUnicode_IS_COMPACT_ASCII(object)) {
    const auto* ascii = static_cast<const char*>(PyUnicode_DATA(object));
    return text(object, ascii, static_cast<std::size_t>(PyUnicode_GET_LENGTH(object)), remember);
  }
  if (const char* utf8 = PyUnicode_AsUTF8AndSize(object, &length)) {
    return text(object, utf8, static_cast<std::size_t>(length), remember);
  }
  // Lone surrogates are no UTF-8, but Python has them.
  PyErr_Clear();
  const Reference encoded(PyUnicode_AsEncodedString(object, "utf-8", "surrogatepass"));
  if (!encoded) return Fit::error;
  return text(encoded.get(), PyBytes_AS_STRING(encoded.get()),
              static_cast<std::size_t>(PyBytes_GET_SIZE(encoded.get())), remember);
}

Fit ValueEncoder::text(PyObject* keeper, const char* utf8, std::size_t length, bool remember) {
  if (length < kBlockThreshold) {
    writer_.string(std::string_view(utf8, length), remember);
  } else {
    writer_.string_in_block(message_.cargo.plan_copy(keeper, utf8, length), length, remember);
  }
  return Fit::yes;
}

Fit ValueEncoder::bytes(PyObject* object, bool remember) {
  const auto* data = reinterpret_cast<const std::byte*>(PyBytes_AS_STRING(object));
  const auto length = static_cast<std::size_t>(PyBytes_GET_SIZE(object));
  if (length < kBlockThreshold) {
    writer_.bytes({data, length}, remember);
  } else {
    writer_.bytes_in_block(message_.cargo.plan_copy(object, data, length), length, remember);
  }
  return Fit::yes;
}

Fit ValueEncoder::list(PyObject* object, bool alone, bool remember) {
  const Py_ssize_t count = PyList_GET_SIZE(object);
  if (count != 0) {
    PyObject* first = PyList_GET_ITEM(object, 0);
    Fit packed = Fit::no;
    if (PyFloat_CheckExact(first)) packed = reals(object, remember);
    if (PyLong_CheckExact(first) && count >= kFewestPacked) packed = integers(object, remember);
    if (packed != Fit::no) return packed;
  }
  if (writer_.depth() == message::kMaximumDepth) return Fit::no;
  writer_.open_list(static_cast<std::uint64_t>(count), remember);
  for (Py_ssize_t i = 0; i < count; ++i) {
    if (const Fit fit = value(PyList_GET_ITEM(object, i), alone); fit != Fit::yes) return fit;
  }
  writer_.close(remember);
  return Fit::yes;
}

Fit ValueEncoder::tuple(PyObject* object, bool alone, bool remember) {
  const Py_ssize_t count = PyTuple_GET_SIZE(object);
  if (writer_.depth() == message::kMaximumDepth) return Fit::no;
  writer_.open_tuple(static_cast<std::uint64_t>(count), remember);
  for (Py_ssize_t i = 0; i < count; ++i) {
    if (const Fit fit = value(PyTuple_GET_ITEM(object, i), alone); fit != Fit::yes) return fit;
  }
  writer_.close(remember);
  return Fit::yes;
}

Fit ValueEncoder::dict(PyObject* object, bool alone, bool remember) {
  if (writer_.depth() == message::kMaximumDepth) return Fit::no;
  writer_.open_dict(static_cast<std::uint64_t>(PyDict_GET_SIZE(object)), remember);
  Py_ssize_t position = 0;
  PyObject* key = nullptr;
  PyObject* item = nullptr;
  while (PyDict_Next(object, &position, &key, &item) != 0) {
    if (const Fit fit = value(key, false); fit != Fit::yes) return fit;
    if (const Fit fit = value(item, alone); fit != Fit::yes) return fit;
  }
  writer_.close(remember);
  return Fit::yes;
}

Fit ValueEncoder::reals(PyObject* list, bool remember) {
  const auto count = static_cast<std::size_t>(PyList_GET_SIZE(list));
  if (count * sizeof(double) >= kBlockThreshold) {
    memory::BlockIndex block = memory::kNoBlock;
    const Fit fit = pack_into_block<double>(list, count, block);
    if (fit == Fit::yes) writer_.reals_in_block(message_.cargo.add(block), count, remember);
    return fit;
  }
  std::array<double, kBlockThreshold / sizeof(double)> run;
  if (convert(list, 0, count, run.data()) != count) return Fit::no;
  writer_.reals({run.data(), count}, remember);
  return Fit::yes;
}

Fit ValueEncoder::integers(PyObject* list, bool remember) {
  const auto count = static_cast<std::size_t>(PyList_GET_SIZE(list));
  if (count * sizeof(std::int64_t) >= kBlockThreshold) {
    memory::BlockIndex block = memory::kNoBlock;
    const Fit fit = pack_into_block<std::int64_t>(list, count, block);
    if (fit == Fit::yes) writer_.integers_in_block(message_.cargo.add(block), count, remember);
    return fit;
  }
  std::array<std::int64_t, kBlockThreshold / sizeof(std::int64_t)> run;
  if (convert(list, 0, count, run.data()) != count) return Fit::no;
  writer_.integers({run.data(), count}, remember);
  return Fit::yes;
}

Fit ValueEncoder::array(PyObject* object, bool alone, bool remember) {
  const int reduced = arrays_have_reducer();
  if (reduced != 0) return reduced > 0 ? Fit::no : Fit::error;
  numpy::Layout layout;
  if (!numpy::describe(object, layout)) return Fit::no;
  SharedPlace shared;
  if (find_shared(object, shared)) return shared_array(object, layout, shared, remember);
  if (PyErr_Occurred() != nullptr) return Fit::error;

  if (layout.bytes >= kBlockThreshold) {
    numpy::Gift gift;
    Cargo& cargo = message_.cargo;
    if (alone && numpy::find_gift(object, layout, gift)) {
      writer_.array_in_block(layout.head(), cargo.plan_gift(object, gift, layout), gift.offset);
    } else {
      const std::uint32_t block = layout.contiguous
                                      ? cargo.plan_copy(object, layout.data, layout.bytes)
                                      : cargo.plan_gather(object, layout);
      writer_.array_in_block(layout.head(), block, 0, remember);
    }
    return Fit::yes;
  }
  std::byte* place = writer_.array_inline(layout.head(), layout.bytes, remember);
  if (place == nullptr || layout.bytes == 0) return Fit::yes;  // the buffer tells that it failed
  if (layout.contiguous) {
    std::memcpy(place, layout.data, layout.bytes);
  } else {
    message::StridedReader(layout.data, layout.strides).copy(place, layout.bytes);
  }
  return Fit::yes;
}

Fit ValueEncoder::shared_array(PyObject* object, const numpy::Layout& layout,
                               const SharedPlace& place, bool remember) {
  // What is repeated by strides of 0 may be larger than anything else.
  if (layout.bytes >= kLargestShared) return Fit::no;
  message::ArrayHead head = layout.head();
  head.fortran_order = false;
  const std::uint32_t reference = message_.cargo.plan_reference(object, place.name);
  writer_.shared_array(head, std::span(layout.strides.step).first(layout.strides.dimensions),
                       reference, place.offset, remember);
  return Fit::yes;
}

}  // namespace onecopy::python
