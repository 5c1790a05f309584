// NumPy arrays: telling what they are, making them, and giving them away.
//
// NumPy is optional and is not loaded before the program does: is_array() knows arrays without it,
// and loads its C API when it meets the first. The others may be called after that, or after
// load().
#pragma once

#include <span>

#include "memory/block.hpp"
#include "message/strided.hpp"
#include "message/value_reader.hpp"
#include "message/value_writer.hpp"
#include "python.hpp"

namespace onecopy::python::numpy {

// True once the C API is there. False with ImportError set.
bool load();

// Whether the program has imported NumPy, as far as to have arrays.
bool is_imported();

// Exactly numpy.ndarray, no subclass.
bool is_array(PyObject* object);

// Whether it is numpy.ndarray or derives from it.
bool is_array_class(PyTypeObject* type);

// The type itself, after is_array().
PyTypeObject* array_type();

// An array whose elements are numbers in this machine's order.
struct Layout {
  ElementType type;
  bool fortran_order;
  bool read_only;
  bool contiguous;  // in C order, or in Fortran order where fortran_order says so
  message::Strides strides;
  const std::byte* data;
  std::size_t bytes;

  message::ArrayHead head() const noexcept {
    return {type, fortran_order, read_only,
            std::span<const std::uint64_t>(strides.shape).first(strides.dimensions)};
  }
};
// False where the array is of another kind, which only pickle knows.
bool describe(PyObject* array, Layout& layout);

// Where the first element of an array of whatever kind lies, and all the bytes between its lowest
// and its highest. False with TypeError set where the object is no array.
bool find_extent(PyObject* object, const std::byte*& first, std::span<const std::byte>& extent);

// A new array of the item's type, shape and strides, whose first element lies at `first`. `keeper`,
// which keeps the memory, is taken over, also where it fails.
PyObject* make_strided(const message::Item& item, std::byte* first, PyObject* keeper);

// Where the data of an array lie that could be handed on as they are.
struct Gift {
  memory::BlockIndex block;
  std::uint64_t offset;
};
// Whether the data of a temporary array (nobody else has it) lie in a block that nobody else looks
// into, and fill most of it.
bool find_gift(PyObject* array, const Layout& layout, Gift& gift);
// Parts array and block: the array is empty from then on, the block is held by this process and
// nothing looks into it. False, and nothing changed, where that cannot be.
bool give(PyObject* array, const Gift& gift, std::size_t bytes);

// Makes two arrays exchange all that they are, but for their classes and attributes: shape, type of
// elements, data. False with TypeError set where one is no array.
bool exchange(PyObject* one, PyObject* other);

// A new array with the elements copied from `item`.
PyObject* make_copy(const message::Item& item);
// A new array that looks into the item's block, and takes that over, also where it fails.
PyObject* make_view(const message::Item& item);

}  // namespace onecopy::python::numpy
