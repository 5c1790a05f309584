// Pickling for what the fast path does not know, through three functions given by the package.
#pragma once

#include "pickle_sink.hpp"
#include "python.hpp"

namespace onecopy::python {

// dump(object, sink) writes protocol 5 into the sink, or gives bytes, which are the stream then;
// dumps(object) gives bytes with everything in band; loads(data, buffers=...) the object.
void set_pickler(nb::object dump, nb::object dumps, nb::object loads);

// False with whatever pickling raises; what it has set up is withdrawn then. Runs any code, which
// finds is_pickling_message() true.
bool pickle(PyObject* object, Pickled& pickled);

// Whether this thread is pickling what goes into a message of the family: then what is shared may
// go as a reference, a PickleBuffer of a SharedBuffer.
bool is_pickling_message() noexcept;
// `function` is called if the message that this thread is pickling is never delivered; nothing
// where it is pickling none.
void when_undelivered(const nb::callable& function);

// The stream alone, with every buffer in it: a new reference to bytes. Runs any code.
PyObject* pickle_to_bytes(PyObject* object);

// The object of a stream (anything with the buffer protocol) and its buffers (a list; null: none).
PyObject* unpickle(PyObject* stream, PyObject* buffers);

}  // namespace onecopy::python
