// Connection: one end of a pipe, as a Python type to be subclassed.
//
// The messages go through a channel for each direction; beside them lies a real socket, on which
// receivers sleep and by which the kernel tells both sides that the other is gone, whoever
// inherited the end. A raw type for the same reason as Queue. Methods run under the GIL and let it
// go while they wait; another thread may close the connection meanwhile.
#pragma once

#include <memory>

#include "channel/pipe_end.hpp"
#include "python.hpp"

namespace onecopy::python {

struct Connection {
  PyObject_HEAD
      // Calls keep what they are inside of; null: closed, or never opened.
      std::shared_ptr<channel::PipeEnd>
          state;
  bool readable;
  bool writable;
};

bool add_connection_type(PyObject* module);
Connection* as_connection(PyObject* object);  // null where it is something else
// An object of that subtype; null with an exception set.
PyObject* make_connection(PyTypeObject* type, channel::PipeEnd end);

}  // namespace onecopy::python
