// The fast path of encode(): walks an object without running any Python code and without letting go
// of the GIL, so that nothing changes under it.
#pragma once

#include "encode.hpp"
#include "message/value_writer.hpp"
#include "shared_buffer.hpp"

namespace onecopy::python {

// Whether the fast path could take the object.
enum class Fit {
  yes,
  no,     // pickle has to; the message is to be cleared
  error,  // an exception is set
};

class ValueEncoder {
 public:
  explicit ValueEncoder(OutgoingMessage& message) noexcept
      : message_(message), writer_(message.body) {}

  // The outermost object. May throw std::bad_alloc.
  Fit write(PyObject* object, bool temporary);

 private:
  // `alone`: nobody but its container, itself alone, has the object.
  Fit value(PyObject* object, bool alone);
  // An object that may have been written already, and is to be remembered where others have it.
  Fit with_identity(PyObject* object, bool alone);
  Fit body_of(PyObject* object, bool alone, bool remember);

  Fit integer(PyObject* object);
  Fit big_integer(PyObject* object);
  Fit string(PyObject* object, bool remember);
  Fit text(PyObject* keeper, const char* utf8, std::size_t length, bool remember);
  Fit bytes(PyObject* object, bool remember);
  Fit list(PyObject* object, bool alone, bool remember);
  Fit tuple(PyObject* object, bool alone, bool remember);
  Fit dict(PyObject* object, bool alone, bool remember);
  Fit array(PyObject* object, bool alone, bool remember);
  Fit shared_array(PyObject* object, const numpy::Layout& layout, const SharedPlace& place,
                   bool remember);

  // Lists of nothing but floats, or nothing but small integers; Fit::no where the list is not one.
  Fit reals(PyObject* list, bool remember);
  Fit integers(PyObject* list, bool remember);

  OutgoingMessage& message_;
  message::ValueWriter writer_;
};

}  // namespace onecopy::python
