#include "queue.hpp"

#include <limits>
#include <new>

#include "allocator.hpp"
#include "arguments.hpp"
#include "channel/values.hpp"
#include "decode.hpp"
#include "encode.hpp"
#include "envelope.hpp"
#include "errors.hpp"
#include "memory/family.hpp"
#include "temporary.hpp"
#include "waiting.hpp"

namespace onecopy::python {
namespace {

using channel::Channel;
using channel::Contend;
using channel::Get;
using channel::Put;
using channel::Wait;

using State = std::shared_ptr<QueueState>;

// What stock calls the maximum of a queue that has none.
constexpr std::uint32_t kUnbounded = std::numeric_limits<std::int32_t>::max();

PyTypeObject* queue_type = nullptr;

Queue& self_of(PyObject* object) noexcept { return *reinterpret_cast<Queue*>(object); }

bool set_up(PyObject* self, Result<Channel> made, os::Descriptor bell, os::Descriptor room_bell) {
  if (!made) {
    raise(made.failure());
    return false;
  }
  made->set_bell(bell.get(), bell.get());
  made->set_room_bell(room_bell.get());
  try {
    self_of(self).state = std::make_shared<QueueState>(
        QueueState{std::move(*made), std::move(bell), std::move(room_bell)});
  } catch (const std::bad_alloc&) {
    PyErr_NoMemory();
    return false;
  }
  return true;
}

// Sets ValueError and returns null where the queue is closed.
State open_state(PyObject* self) {
  State state = self_of(self).state;
  if (!state) raise_queue_closed(self);
  return state;
}

// Whether a waiting call may go on: nobody closed the queue meanwhile.
auto still_open(PyObject* self, const State& state) {
  return [self, &state] {
    if (self_of(self).state == state) return true;
    raise_queue_closed(self);
    return false;
  };
}

// -- putting --------------------------------------------------------------------------------------

PyObject* put_message(PyObject* self, const State& state, OutgoingMessage& message,
                      os::Deadline deadline) {
  const channel::Outgoing outgoing = message.outgoing();
  Channel& channel = state->channel;
  Put outcome = outgoing.body.size() < kWorthLettingGo ? channel.try_put(outgoing, Contend::never)
                                                       : Put::busy;
  if (outcome == Put::busy || outcome == Put::full) {
    bool broken = false;
    const auto round = [&] {
      outcome = put_round(channel, outgoing, -1, deadline, broken);
      return outcome != Put::busy;
    };
    if (!block_until(round, still_open(self, state))) return nullptr;
  }
  switch (outcome) {
    case Put::done:
      message.cargo.delivered();
      Py_RETURN_NONE;
    case Put::full:
      return raise_full();
    case Put::no_memory:
      return raise(channel::last_put_failure());
    case Put::busy:
    case Put::closed:
      break;
  }
  return raise_queue_closed(self);
}

PyObject* put_object(PyObject* self, PyObject* object, bool temporary, os::Deadline deadline) {
  const State state = open_state(self);
  if (!state) return nullptr;
  install_wanted_allocator();
  // What cannot be put is not worth pickling.
  if (state->channel.full() && deadline.expired()) return raise_full();
  try {
    MessageLease message;
    if (!encode(object, temporary, *message)) return nullptr;
    return put_message(self, state, *message, deadline);
  } catch (const std::bad_alloc&) {
    return PyErr_NoMemory();
  }
}

PyObject* put(PyObject* self, PyObject* const* given, Py_ssize_t count, PyObject* keywords) {
  static constexpr Signature kSignature{"put", 1, {"obj", "block", "timeout"}};
  Arguments arguments;
  if (!parse(kSignature, given, count, keywords, arguments)) return nullptr;
  os::Deadline deadline = os::Deadline::never();
  if (!parse_patience(arguments[1], arguments[2], deadline)) return nullptr;
  const bool temporary = arguments[0] == given[0] && is_temporary(self, given);
  return put_object(self, arguments[0], temporary, deadline);
}

PyObject* put_nowait(PyObject* self, PyObject* const* given, Py_ssize_t count, PyObject* keywords) {
  static constexpr Signature kSignature{"put_nowait", 1, {"obj"}};
  Arguments arguments;
  if (!parse(kSignature, given, count, keywords, arguments)) return nullptr;
  return put_object(self, arguments[0], is_temporary(self, given), os::Deadline::after(0));
}

// Encodes at once and leaves the waiting to a coroutine of the subclass.
PyObject* put_async(PyObject* self, PyObject* const* given, Py_ssize_t count, PyObject* keywords) {
  static constexpr Signature kSignature{"put_async", 1, {"obj"}};
  Arguments arguments;
  if (!parse(kSignature, given, count, keywords, arguments)) return nullptr;
  if (!open_state(self)) return nullptr;
  install_wanted_allocator();
  const bool temporary = arguments[0] == given[0] && is_temporary(self, given);
  const Reference envelope(make_envelope(arguments[0], temporary));
  if (!envelope) return nullptr;
  return PyObject_CallMethod(self, "_deliver", "O", envelope.get());
}

PyObject* put_envelope(PyObject* self, PyObject* envelope) {
  const State state = open_state(self);
  if (!state) return nullptr;
  OutgoingMessage* message = message_in(envelope);
  if (message == nullptr) return nullptr;
  PyObject* done = put_message(self, state, *message, os::Deadline::after(0));
  if (done != nullptr) empty_envelope(envelope);
  return done;
}

// -- getting --------------------------------------------------------------------------------------

PyObject* get_object(PyObject* self, os::Deadline deadline) {
  const State state = open_state(self);
  if (!state) return nullptr;
  Channel& channel = state->channel;
  channel::Incoming message;
  Get outcome = channel.try_get(message, Contend::never);
  if (outcome == Get::busy || (outcome == Get::empty && !deadline.expired())) {
    bool ended = false;
    const auto round = [&] {
      outcome = get_round(channel, message, -1, deadline, ended);
      return outcome != Get::busy;
    };
    if (!block_until(round, still_open(self, state))) return nullptr;
  }
  switch (outcome) {
    case Get::done:
      break;
    case Get::empty:
      return raise_empty();
    case Get::corrupt:
      return raise({Error::corrupt});
    case Get::busy:
    case Get::closed:
      return raise_queue_closed(self);
  }
  try {
    PyObject* object = decode(message);
    if (object != nullptr) install_wanted_allocator();
    return object;
  } catch (const std::bad_alloc&) {
    return PyErr_NoMemory();
  }
}

PyObject* get(PyObject* self, PyObject* const* given, Py_ssize_t count, PyObject* keywords) {
  static constexpr Signature kSignature{"get", 0, {"block", "timeout"}};
  Arguments arguments;
  if (!parse(kSignature, given, count, keywords, arguments)) return nullptr;
  os::Deadline deadline = os::Deadline::never();
  if (!parse_patience(arguments[0], arguments[1], deadline)) return nullptr;
  return get_object(self, deadline);
}

PyObject* get_nowait(PyObject* self, PyObject*) { return get_object(self, os::Deadline::after(0)); }

// Waits until a message is there, or until the deadline: 1, 0, or -1 with an exception set.
int wait_for_message(PyObject* self, os::Deadline deadline) {
  const State state = self_of(self).state;
  if (!state) {
    raise_os_error("handle is closed");
    return -1;
  }
  Channel& channel = state->channel;
  if (channel.has_message()) return 1;
  if (deadline.expired()) return 0;
  const auto round = [&] {
    channel.wait_for_message(deadline);
    return channel.size() != 0 || deadline.expired();
  };
  if (!block_until(round, still_open(self, state))) return -1;
  return channel.size() != 0 ? 1 : 0;
}

PyObject* poll(PyObject* self, PyObject* const* given, Py_ssize_t count, PyObject* keywords) {
  static constexpr Signature kSignature{"_poll", 0, {"timeout"}};
  Arguments arguments;
  if (!parse(kSignature, given, count, keywords, arguments)) return nullptr;
  os::Deadline deadline = os::Deadline::after(0);
  if (arguments[0] != nullptr && !parse_timeout(arguments[0], deadline)) return nullptr;
  const int found = wait_for_message(self, deadline);
  return found < 0 ? nullptr : PyBool_FromLong(found);
}

// -- asking ---------------------------------------------------------------------------------------

PyObject* qsize(PyObject* self, PyObject*) {
  const State state = open_state(self);
  return state ? PyLong_FromUnsignedLong(state->channel.size()) : nullptr;
}

PyObject* empty(PyObject* self, PyObject*) {
  const int found = wait_for_message(self, os::Deadline::after(0));
  return found < 0 ? nullptr : PyBool_FromLong(found == 0);
}

PyObject* full(PyObject* self, PyObject*) {
  const State state = open_state(self);
  return state ? PyBool_FromLong(state->channel.full()) : nullptr;
}

PyObject* maximum(PyObject* self, void*) {
  const State state = open_state(self);
  if (!state) return nullptr;
  const std::uint32_t most = state->channel.maximum();
  return PyLong_FromUnsignedLong(most == 0 ? kUnbounded : most);
}

// -1: it was found by its name, and has none.
PyObject* bell(PyObject* self, PyObject*) {
  const State state = open_state(self);
  if (!state) return nullptr;
  without_gil([&] { state->channel.keep_bell_level(); });
  return PyLong_FromLong(state->bell.get());
}

PyObject* room_bell(PyObject* self, PyObject*) {
  const State state = open_state(self);
  if (!state) return nullptr;
  without_gil([&] { state->channel.keep_room_bell_level(); });
  return PyLong_FromLong(state->room_bell.get());
}

PyObject* has_room(PyObject* self, PyObject*) {
  const State state = open_state(self);
  return state ? PyBool_FromLong(state->channel.has_room()) : nullptr;
}

// Whether others may have it who ring no bell.
PyObject* has_name(PyObject* self, PyObject*) {
  const State state = open_state(self);
  return state ? PyBool_FromLong(state->channel.has_name()) : nullptr;
}

PyObject* descriptors(PyObject* self, PyObject*) {
  const State state = open_state(self);
  if (!state) return nullptr;
  if (!state->bell) return PyTuple_New(0);
  if (!state->room_bell) return Py_BuildValue("(i)", state->bell.get());
  return Py_BuildValue("(ii)", state->bell.get(), state->room_bell.get());
}

PyObject* name(PyObject* self, PyObject*) {
  const State state = open_state(self);
  if (!state) return nullptr;
  const channel::Name name = state->channel.name();
  return Py_BuildValue("(II)", name.index, name.generation);
}

PyObject* hold_for(PyObject* self, PyObject* slot) {
  const State state = open_state(self);
  if (!state) return nullptr;
  const unsigned long number = PyLong_AsUnsignedLong(slot);
  if (PyErr_Occurred() != nullptr) return nullptr;
  state->channel.hold_for(static_cast<memory::Slot>(number));
  Py_RETURN_NONE;
}

// -- work reported done ---------------------------------------------------------------------------

PyObject* task_done(PyObject* self, PyObject*) {
  const State state = open_state(self);
  if (!state) return nullptr;
  if (state->channel.task_done()) Py_RETURN_NONE;
  PyErr_SetString(PyExc_ValueError, "task_done() called too many times");
  return nullptr;
}

PyObject* join(PyObject* self, PyObject*) {
  const State state = open_state(self);
  if (!state) return nullptr;
  Channel& channel = state->channel;
  const auto round = [&] {
    return channel.all_done() || channel.wait_for_all_done(os::Deadline::never()) == Wait::ready;
  };
  if (!channel.all_done() && !block_until(round, still_open(self, state))) return nullptr;
  Py_RETURN_NONE;
}

// -- opening and closing --------------------------------------------------------------------------

PyObject* allocate(PyTypeObject* type, PyObject*, PyObject*) {
  PyObject* self = type->tp_alloc(type, 0);
  if (self != nullptr) ::new (&self_of(self).state) State;
  return self;
}

// With stock's words for what is too large, which is more than a semaphore counts to.
bool parse_maximum(PyObject* object, int& maximum) {
  const Reference number(PyNumber_Index(object));
  if (!number) return false;
  int overflow = 0;
  const long value = PyLong_AsLongAndOverflow(number.get(), &overflow);
  if (overflow != 0 || value > std::numeric_limits<int>::max() ||
      value < std::numeric_limits<int>::min()) {
    PyErr_SetString(PyExc_OverflowError, "Python int too large to convert to C int");
    return false;
  }
  maximum = static_cast<int>(value);
  return true;
}

int initialise(PyObject* self, PyObject* arguments, PyObject* keywords) {
  static const char* const kNames[] = {"maxsize", nullptr};
  PyObject* given = nullptr;
  if (PyArg_ParseTupleAndKeywords(arguments, keywords, "|O:Queue", const_cast<char**>(kNames),
                                  &given) == 0) {
    return -1;
  }
  int maxsize = 0;
  if (given != nullptr && !parse_maximum(given, maxsize)) return -1;
  if (auto joined = memory::join_family(); !joined) {
    raise(joined.failure());
    return -1;
  }
  auto doorbell = os::event_descriptor();
  if (!doorbell) {
    raise(doorbell.failure());
    return -1;
  }
  channel::Options options;
  options.maximum = maxsize > 0 ? static_cast<std::uint32_t>(maxsize) : 0;
  os::Descriptor room_bell;
  if (options.maximum != 0) {
    auto made = os::event_descriptor();
    if (!made) {
      raise(made.failure());
      return -1;
    }
    room_bell = std::move(*made);
  }
  const bool well =
      set_up(self, Channel::create(options), std::move(*doorbell), std::move(room_bell));
  return well ? 0 : -1;
}

PyObject* open(PyObject* self, PyObject* arguments) {
  unsigned index = 0;
  unsigned generation = 0;
  int bell_number = -1;
  int room_bell_number = -1;
  if (PyArg_ParseTuple(arguments, "II|ii:_open", &index, &generation, &bell_number,
                       &room_bell_number) == 0) {
    return nullptr;
  }
  os::Descriptor doorbell(bell_number);
  os::Descriptor room_bell(room_bell_number);
  const bool well =
      set_up(self, Channel::open({index, generation}), std::move(doorbell), std::move(room_bell));
  if (!well) return nullptr;
  Py_RETURN_NONE;
}

PyObject* close(PyObject* self, PyObject*) {
  const State closed = std::move(self_of(self).state);
  Py_RETURN_NONE;
}

void deallocate(PyObject* self) {
  PyTypeObject* type = Py_TYPE(self);
  self_of(self).state.~State();
  type->tp_free(self);
  Py_DECREF(type);
}

PyMethodDef methods[] = {
    {"put", as_method(put), METH_FASTCALL | METH_KEYWORDS,
     "put($self, /, obj, block=True, timeout=None)\n--\n\nAppend an object. Waits for room, "
     "`timeout` seconds at most (None: as long as it takes), or with `block` false not at all; "
     "then "
     "queue.Full. MemoryError names the limit; what cannot be pickled raises here."},
    {"put_nowait", as_method(put_nowait), METH_FASTCALL | METH_KEYWORDS,
     "put_nowait($self, /, obj)\n--\n\nThe same as put(obj, False)."},
    {"put_async", as_method(put_async), METH_FASTCALL | METH_KEYWORDS,
     "put_async($self, /, obj)\n--\n\n"
     "Append an object, and let the event loop go on until there is room.\n\n"
     "The object is encoded by the call, as put does it, and appended when what it gives is\n"
     "awaited; cancelled before that has returned, it is not in the queue. Raises what put\n"
     "raises, but for queue.Full; when awaited, OSError where no descriptors are left to wait\n"
     "by, RuntimeError where it must wait outside of asyncio's loops."},
    {"get", as_method(get), METH_FASTCALL | METH_KEYWORDS,
     "get($self, /, block=True, timeout=None)\n--\n\nTake the next object. Waits for one, "
     "`timeout` seconds at most (None: as long as it takes), or with `block` false not at all; "
     "then "
     "queue.Empty."},
    {"get_nowait", get_nowait, METH_NOARGS, "get_nowait($self, /)\n--\n\nThe same as get(False)."},
    {"qsize", qsize, METH_NOARGS, "qsize($self, /)\n--\n\nHow many objects wait now."},
    {"empty", empty, METH_NOARGS, "empty($self, /)\n--\n\nWhether none waits."},
    {"full", full, METH_NOARGS, "full($self, /)\n--\n\nWhether there is no room."},
    {"_poll", as_method(poll), METH_FASTCALL | METH_KEYWORDS, nullptr},
    {"_bell", bell, METH_NOARGS, nullptr},
    {"_room_bell", room_bell, METH_NOARGS, nullptr},
    {"_has_room", has_room, METH_NOARGS, nullptr},
    {"_has_name", has_name, METH_NOARGS, nullptr},
    {"_put_envelope", put_envelope, METH_O, nullptr},
    {"_descriptors", descriptors, METH_NOARGS, nullptr},
    {"_name", name, METH_NOARGS, nullptr},
    {"_hold_for", hold_for, METH_O, nullptr},
    {"_open", open, METH_VARARGS, nullptr},
    {"_close", close, METH_NOARGS, nullptr},
    {"_task_done", task_done, METH_NOARGS, nullptr},
    {"_join", join, METH_NOARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

PyGetSetDef properties[] = {
    {"_maxsize", maximum, nullptr, nullptr, nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

PyType_Slot slots[] = {
    {Py_tp_new, reinterpret_cast<void*>(allocate)},
    {Py_tp_init, reinterpret_cast<void*>(initialise)},
    {Py_tp_dealloc, reinterpret_cast<void*>(deallocate)},
    {Py_tp_methods, methods},
    {Py_tp_getset, properties},
    {Py_tp_doc, const_cast<char*>("Messages in order, any number of putters and getters.")},
    {0, nullptr},
};

PyType_Spec spec = {"onecopy._engine.Queue", sizeof(Queue), 0,
                    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, slots};

}  // namespace

bool add_queue_type(PyObject* module) {
  queue_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&spec));
  return queue_type != nullptr && PyModule_AddType(module, queue_type) == 0;
}

PyObject* make_queue(PyTypeObject* type, Channel channel) {
  Reference made(allocate(type, nullptr, nullptr));
  if (!made || !set_up(made.get(), std::move(channel), {}, {})) return nullptr;
  return made.release();
}

Queue* as_queue(PyObject* object) {
  return PyObject_TypeCheck(object, queue_type) ? reinterpret_cast<Queue*>(object) : nullptr;
}

}  // namespace onecopy::python
