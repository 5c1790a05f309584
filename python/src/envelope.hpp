// Envelope: an object that was encoded for a queue and is not yet in it, as a Python object.
//
// What `put_async` keeps while its queue is full. The blocks of the message are held by this
// process until the channel has them, or until the last reference to the envelope is gone. A fork
// copies the object and not the hold: in the child there is nothing in it.
#pragma once

#include "encode.hpp"
#include "python.hpp"

namespace onecopy::python {

bool add_envelope_type(PyObject* module);

// A new reference; null with an exception set. `temporary` as for encode().
PyObject* make_envelope(PyObject* object, bool temporary);

// The message in it; null, with TypeError set, where the object is no envelope, and with OSError
// where nothing is in it.
OutgoingMessage* message_in(PyObject* object);
// The channel has the message.
void empty_envelope(PyObject* envelope) noexcept;

}  // namespace onecopy::python
