// Builds the object of a value message, item by item.
#pragma once

#include <vector>

#include "message/value_reader.hpp"
#include "python.hpp"
#include "taken_blocks.hpp"

namespace onecopy::python {

class ValueDecoder {
 public:
  ValueDecoder(message::ValueReader& reader, TakenBlocks& blocks) noexcept
      : reader_(reader), blocks_(blocks) {}

  // The whole value, checked to its end, from a body of so many bytes. Null with an exception set.
  // May throw std::bad_alloc.
  PyObject* read(std::size_t body_bytes);

 private:
  PyObject* value();
  PyObject* build(const message::Item& item);
  PyObject* list(const message::Item& item);
  PyObject* tuple(const message::Item& item);
  PyObject* dict(const message::Item& item);
  PyObject* from_data(const message::Item& item);
  PyObject* array(const message::Item& item);
  PyObject* raise_fault() const;

  message::ValueReader& reader_;
  TakenBlocks& blocks_;
  std::vector<Reference> remembered_;
};

}  // namespace onecopy::python
