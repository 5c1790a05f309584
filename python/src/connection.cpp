#include "connection.hpp"

#include <cstring>
#include <new>
#include <optional>

#include "allocator.hpp"
#include "arguments.hpp"
#include "connection_transfer.hpp"
#include "decode.hpp"
#include "encode.hpp"
#include "errors.hpp"
#include "temporary.hpp"
#include "waiting.hpp"

namespace onecopy::python {
namespace {

using channel::Channel;
using channel::PipeEnd;

using State = std::shared_ptr<PipeEnd>;

PyTypeObject* connection_type = nullptr;

Connection& self_of(PyObject* object) noexcept { return *reinterpret_cast<Connection*>(object); }

// The checks that begin every call, in stock's order. Null with OSError set.
State open_state(PyObject* self) {
  State state = self_of(self).state;
  if (!state) raise_os_error("handle is closed");
  return state;
}
State readable_state(PyObject* self) {
  State state = open_state(self);
  if (!state || self_of(self).readable) return state;
  raise_os_error("connection is write-only");
  return nullptr;
}
State writable_state(PyObject* self) {
  State state = open_state(self);
  if (!state || self_of(self).writable) return state;
  raise_os_error("connection is read-only");
  return nullptr;
}

// Turns the exception that is set into a TypeError of the same text.
void raise_type_error_instead() {
  PyObject* type = nullptr;
  PyObject* value = nullptr;
  PyObject* traceback = nullptr;
  PyErr_Fetch(&type, &value, &traceback);
  const Reference owned_type(type);
  const Reference owned_value(value);
  const Reference owned_traceback(traceback);
  const Reference text(PyObject_Str(value));
  if (text) PyErr_SetObject(PyExc_TypeError, text.get());
}

// A contiguous buffer of the caller's, given back at the end.
class BorrowedBuffer {
 public:
  BorrowedBuffer(PyObject* object, int flags)
      : valid_(PyObject_GetBuffer(object, &view_, flags) == 0) {
    // Stock has nothing against such a buffer until it joins it to its header, or reads into it.
    if (!valid_ && PyErr_ExceptionMatches(PyExc_BufferError) != 0) raise_type_error_instead();
  }
  ~BorrowedBuffer() {
    if (valid_) PyBuffer_Release(&view_);
  }
  BorrowedBuffer(const BorrowedBuffer&) = delete;
  BorrowedBuffer& operator=(const BorrowedBuffer&) = delete;

  bool valid() const noexcept { return valid_; }
  std::byte* data() const noexcept { return static_cast<std::byte*>(view_.buf); }
  Py_ssize_t length() const noexcept { return view_.len; }

 private:
  Py_buffer view_;
  bool valid_;
};

PyObject* raise_value_error(const char* text) {
  PyErr_SetString(PyExc_ValueError, text);
  return nullptr;
}

// -- sending --------------------------------------------------------------------------------------

PyObject* send(PyObject* self, PyObject* const* given, Py_ssize_t count, PyObject* keywords) {
  static constexpr Signature kSignature{"send", 1, {"obj"}};
  Arguments arguments;
  if (!parse(kSignature, given, count, keywords, arguments)) return nullptr;
  const State state = writable_state(self);
  if (!state) return nullptr;
  try {
    install_wanted_allocator();
    MessageLease message;
    if (!encode(arguments[0], is_temporary(self, given), *message)) return nullptr;
    return send_message(self_of(self), state, *message);
  } catch (const std::bad_alloc&) {
    return PyErr_NoMemory();
  }
}

PyObject* send_bytes(PyObject* self, PyObject* const* given, Py_ssize_t count, PyObject* keywords) {
  static constexpr Signature kSignature{"send_bytes", 1, {"buf", "offset", "size"}};
  Arguments arguments;
  if (!parse(kSignature, given, count, keywords, arguments)) return nullptr;
  Py_ssize_t offset = 0;
  if (arguments[1] != nullptr && !parse_size(arguments[1], offset)) return nullptr;
  Py_ssize_t size = 0;
  const bool has_size = arguments[2] != nullptr && arguments[2] != Py_None;
  if (has_size && !parse_size(arguments[2], size)) return nullptr;

  const State state = writable_state(self);
  if (!state) return nullptr;
  const BorrowedBuffer buffer(arguments[0], PyBUF_SIMPLE);
  if (!buffer.valid()) return nullptr;
  if (offset < 0) return raise_value_error("offset is negative");
  if (buffer.length() < offset) return raise_value_error("buffer length < offset");
  if (!has_size) size = buffer.length() - offset;
  if (size < 0) return raise_value_error("size is negative");
  if (size > buffer.length() - offset) return raise_value_error("buffer length < offset + size");
  try {
    MessageLease message;
    const std::span<const std::byte> bytes(buffer.data() + offset, static_cast<std::size_t>(size));
    if (!encode_raw(arguments[0], bytes, *message)) return nullptr;
    return send_message(self_of(self), state, *message);
  } catch (const std::bad_alloc&) {
    return PyErr_NoMemory();
  }
}

// -- receiving ------------------------------------------------------------------------------------

PyObject* recv(PyObject* self, PyObject*) {
  const State state = readable_state(self);
  channel::Incoming message;
  if (!state || !receive_message(self_of(self), state, message)) return nullptr;
  try {
    PyObject* object = decode(message);
    if (object != nullptr) install_wanted_allocator();
    return object;
  } catch (const std::bad_alloc&) {
    return PyErr_NoMemory();
  }
}

PyObject* raise_bad_length(PyObject* self) {
  if (self_of(self).writable) {
    self_of(self).readable = false;
  } else {
    const State closed = std::move(self_of(self).state);
  }
  return raise_os_error("bad message length");
}

PyObject* recv_bytes(PyObject* self, PyObject* const* given, Py_ssize_t count, PyObject* keywords) {
  static constexpr Signature kSignature{"recv_bytes", 0, {"maxlength"}};
  Arguments arguments;
  if (!parse(kSignature, given, count, keywords, arguments)) return nullptr;
  Py_ssize_t longest = PY_SSIZE_T_MAX;
  if (arguments[0] != nullptr && arguments[0] != Py_None && !parse_size(arguments[0], longest)) {
    return nullptr;
  }
  const State state = readable_state(self);
  if (!state) return nullptr;
  if (longest < 0) return raise_value_error("negative maxlength");
  channel::Incoming message;
  if (!receive_message(self_of(self), state, message)) return nullptr;
  try {
    const MessageBytes bytes(message);
    if (!bytes.valid()) return nullptr;
    if (bytes.span().size() > static_cast<std::size_t>(longest)) return raise_bad_length(self);
    return bytes.to_object();
  } catch (const std::bad_alloc&) {
    return PyErr_NoMemory();
  }
}

PyObject* recv_bytes_into(PyObject* self, PyObject* const* given, Py_ssize_t count,
                          PyObject* keywords) {
  static constexpr Signature kSignature{"recv_bytes_into", 1, {"buf", "offset"}};
  Arguments arguments;
  if (!parse(kSignature, given, count, keywords, arguments)) return nullptr;
  Py_ssize_t offset = 0;
  if (arguments[1] != nullptr && !parse_size(arguments[1], offset)) return nullptr;
  const State state = readable_state(self);
  if (!state) return nullptr;
  const BorrowedBuffer buffer(arguments[0], PyBUF_WRITABLE);
  if (!buffer.valid()) return nullptr;
  if (offset < 0) return raise_value_error("negative offset");
  if (offset > buffer.length()) return raise_value_error("offset too large");
  channel::Incoming message;
  if (!receive_message(self_of(self), state, message)) return nullptr;
  try {
    const MessageBytes bytes(message);
    if (!bytes.valid()) return nullptr;
    const std::size_t length = bytes.span().size();
    if (length > static_cast<std::size_t>(buffer.length() - offset)) {
      const Reference whole(bytes.to_object());
      return whole ? raise_buffer_too_short(whole.get()) : nullptr;
    }
    if (length != 0) std::memcpy(buffer.data() + offset, bytes.span().data(), length);
    return PyLong_FromSize_t(length);
  } catch (const std::bad_alloc&) {
    return PyErr_NoMemory();
  }
}

PyObject* poll(PyObject* self, PyObject* const* given, Py_ssize_t count, PyObject* keywords) {
  static constexpr Signature kSignature{"poll", 0, {"timeout"}};
  Arguments arguments;
  if (!parse(kSignature, given, count, keywords, arguments)) return nullptr;
  os::Deadline deadline = os::Deadline::after(0);
  if (arguments[0] != nullptr && !parse_timeout(arguments[0], deadline)) return nullptr;
  const State state = readable_state(self);
  if (!state) return nullptr;
  const int found = poll_message(self_of(self), state, deadline);
  return found < 0 ? nullptr : PyBool_FromLong(found);
}

// -- asking ---------------------------------------------------------------------------------------

PyObject* file_number(PyObject* self, PyObject*) {
  const State state = open_state(self);
  if (!state) return nullptr;
  if (state->incoming.valid()) without_gil([&] { state->incoming.keep_bell_level(); });
  return PyLong_FromLong(state->socket.get());
}

PyObject* descriptor(PyObject* self, PyObject*) {
  const State state = open_state(self);
  return state ? PyLong_FromLong(state->socket.get()) : nullptr;
}

PyObject* name_of(const Channel& channel) {
  if (!channel.valid()) return new_reference(Py_None);
  const channel::Name name = channel.name();
  return Py_BuildValue("(II)", name.index, name.generation);
}

PyObject* names(PyObject* self, PyObject*) {
  const State state = open_state(self);
  if (!state) return nullptr;
  return Py_BuildValue("(NN)", name_of(state->incoming), name_of(state->outgoing));
}

PyObject* hold_for(PyObject* self, PyObject* slot) {
  const State state = open_state(self);
  if (!state) return nullptr;
  const unsigned long number = PyLong_AsUnsignedLong(slot);
  if (PyErr_Occurred() != nullptr) return nullptr;
  for (Channel* channel : {&state->incoming, &state->outgoing}) {
    if (channel->valid()) channel->hold_for(static_cast<memory::Slot>(number));
  }
  Py_RETURN_NONE;
}

PyObject* is_closed(PyObject* self, void*) { return PyBool_FromLong(!self_of(self).state); }
PyObject* is_readable(PyObject* self, void*) { return PyBool_FromLong(self_of(self).readable); }
PyObject* is_writable(PyObject* self, void*) { return PyBool_FromLong(self_of(self).writable); }

// -- opening and closing --------------------------------------------------------------------------

PyObject* allocate(PyTypeObject* type, PyObject*, PyObject*) {
  PyObject* self = type->tp_alloc(type, 0);
  if (self != nullptr) ::new (&self_of(self).state) State;
  return self;
}

PyObject* pair(PyObject*, PyObject* arguments) {
  PyTypeObject* type = nullptr;
  int duplex = 1;
  if (PyArg_ParseTuple(arguments, "O!p:_pair", &PyType_Type, &type, &duplex) == 0) return nullptr;
  if (PyType_IsSubtype(type, connection_type) == 0) {
    PyErr_SetString(PyExc_TypeError, "_pair() makes connections only");
    return nullptr;
  }
  auto ends = channel::make_pipe(duplex != 0);
  if (!ends) return raise(ends.failure());
  Reference first(make_connection(type, std::move(ends->first)));
  if (!first) return nullptr;
  Reference second(make_connection(type, std::move(ends->second)));
  if (!second) return nullptr;
  return Py_BuildValue("(NN)", first.release(), second.release());
}

// A channel by its name (None: no channel). Nothing with an exception set.
std::optional<Channel> open_channel(PyObject* name) {
  if (name == Py_None) return Channel();
  unsigned index = 0;
  unsigned generation = 0;
  if (PyArg_ParseTuple(name, "II", &index, &generation) == 0) return std::nullopt;
  auto channel = Channel::open({index, generation});
  if (channel) return std::move(*channel);
  raise(channel.failure());
  return std::nullopt;
}

PyObject* open(PyObject* type, PyObject* arguments) {
  int descriptor = -1;
  PyObject* receive_name = nullptr;
  PyObject* send_name = nullptr;
  if (PyArg_ParseTuple(arguments, "iOO:_open", &descriptor, &receive_name, &send_name) == 0) {
    return nullptr;
  }
  os::Descriptor socket(descriptor);
  auto receive = open_channel(receive_name);
  if (!receive) return nullptr;
  auto send = open_channel(send_name);
  if (!send) return nullptr;
  return make_connection(reinterpret_cast<PyTypeObject*>(type),
                         PipeEnd(std::move(socket), std::move(*receive), std::move(*send)));
}

PyObject* make_on(PyObject* type, PyObject* arguments) {
  int descriptor = -1;
  if (PyArg_ParseTuple(arguments, "i:_make_on", &descriptor) == 0) return nullptr;
  auto end = channel::make_end(os::Descriptor(descriptor));
  if (!end) return raise(end.failure());
  return make_connection(reinterpret_cast<PyTypeObject*>(type), std::move(*end));
}

PyObject* close(PyObject* self, PyObject*) {
  const State closed = std::move(self_of(self).state);
  Py_RETURN_NONE;
}

PyObject* leave(PyObject* self, PyObject* const*, Py_ssize_t, PyObject*) {
  const Reference done(PyObject_CallMethod(self, "close", nullptr));
  if (!done) return nullptr;
  Py_RETURN_NONE;
}

PyObject* enter(PyObject* self, PyObject*) { return new_reference(self); }

void deallocate(PyObject* self) {
  PyTypeObject* type = Py_TYPE(self);
  self_of(self).state.~State();
  type->tp_free(self);
  Py_DECREF(type);
}

PyMethodDef methods[] = {
    {"send", as_method(send), METH_FASTCALL | METH_KEYWORDS,
     "send($self, /, obj)\n--\n\nSend an object. BrokenPipeError: nobody receives any more. "
     "OSError: this end is closed, or only receives."},
    {"recv", recv, METH_NOARGS,
     "recv($self, /)\n--\n\nReceive the next object; waits for it. EOFError: there is none left, "
     "and "
     "nobody sends any more. OSError: this end is closed, or only sends."},
    {"send_bytes", as_method(send_bytes), METH_FASTCALL | METH_KEYWORDS,
     "send_bytes($self, /, buf, offset=0, size=None)\n--\n\nSend `size` bytes of a buffer "
     "from `offset` on as one message; without a size all that follow. Errors as of send."},
    {"recv_bytes", as_method(recv_bytes), METH_FASTCALL | METH_KEYWORDS,
     "recv_bytes($self, /, maxlength=None)\n--\n\nReceive the next message as bytes. Errors as "
     "of recv; OSError too where it has more than `maxlength` bytes."},
    {"recv_bytes_into", as_method(recv_bytes_into), METH_FASTCALL | METH_KEYWORDS,
     "recv_bytes_into($self, /, buf, offset=0)\n--\n\nReceive the next message into a buffer, "
     "from byte `offset` on; how many bytes it has. Errors as of recv; BufferTooShort has a "
     "message "
     "that does not fit."},
    {"poll", as_method(poll), METH_FASTCALL | METH_KEYWORDS,
     "poll($self, /, timeout=0.0)\n--\n\nWhether a message, or the end, waits or comes within "
     "`timeout` seconds (None: whenever it comes)."},
    {"fileno", file_number, METH_NOARGS,
     "fileno($self, /)\n--\n\nA descriptor that is readable while a message, or the end, waits."},
    {"close", close, METH_NOARGS, "close($self, /)\n--\n\nClose this end."},
    {"__enter__", enter, METH_NOARGS, nullptr},
    {"__exit__", as_method(leave), METH_FASTCALL | METH_KEYWORDS, nullptr},
    {"_descriptor", descriptor, METH_NOARGS, nullptr},
    {"_names", names, METH_NOARGS, nullptr},
    {"_hold_for", hold_for, METH_O, nullptr},
    {"_pair", pair, METH_VARARGS | METH_STATIC, nullptr},
    {"_open", open, METH_VARARGS | METH_CLASS, nullptr},
    {"_make_on", make_on, METH_VARARGS | METH_CLASS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

PyGetSetDef properties[] = {
    {"closed", is_closed, nullptr, "True if the connection is closed.", nullptr},
    {"readable", is_readable, nullptr, "True if the connection can receive.", nullptr},
    {"writable", is_writable, nullptr, "True if the connection can send.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

PyType_Slot slots[] = {
    {Py_tp_new, reinterpret_cast<void*>(allocate)},
    {Py_tp_dealloc, reinterpret_cast<void*>(deallocate)},
    {Py_tp_methods, methods},
    {Py_tp_getset, properties},
    {Py_tp_doc, const_cast<char*>("One end of a pipe.")},
    {0, nullptr},
};

PyType_Spec spec = {"onecopy._engine.Connection", sizeof(Connection), 0,
                    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, slots};

}  // namespace

PyObject* make_connection(PyTypeObject* type, PipeEnd end) {
  Reference self(allocate(type, nullptr, nullptr));
  if (!self) return nullptr;
  Connection& connection = self_of(self.get());
  connection.readable = end.incoming.valid();
  connection.writable = end.outgoing.valid();
  try {
    connection.state = std::make_shared<PipeEnd>(std::move(end));
  } catch (const std::bad_alloc&) {
    return PyErr_NoMemory();
  }
  return self.release();
}

bool add_connection_type(PyObject* module) {
  connection_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&spec));
  return connection_type != nullptr && PyModule_AddType(module, connection_type) == 0;
}

Connection* as_connection(PyObject* object) {
  return PyObject_TypeCheck(object, connection_type) ? reinterpret_cast<Connection*>(object)
                                                     : nullptr;
}

}  // namespace onecopy::python
