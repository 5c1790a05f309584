#include "crew.hpp"

#include <new>
#include <optional>

#include "allocator.hpp"
#include "arguments.hpp"
#include "decode.hpp"
#include "encode.hpp"
#include "pool/answer.hpp"
#include "pool/crew.hpp"
#include "pool_end.hpp"
#include "temporary.hpp"
#include "waiting.hpp"

namespace onecopy::python {
namespace {

using channel::Contend;
using channel::Get;
using channel::Put;

struct Crew {
  PyObject_HEAD std::optional<pool::Crew> engine;
  memory::Ticket maker;
};

using Handle = PoolEnd<Crew>;

// -- tasks ----------------------------------------------------------------------------------------

// The task's number; null with an exception set where it was not put.
PyObject* put_message(Crew& self, OutgoingMessage& message) {
  const channel::Outgoing outgoing = message.outgoing();
  std::uint32_t number = 0;
  Put outcome = outgoing.body.size() < kWorthLettingGo
                    ? self.engine->put(outgoing, Contend::never, number)
                    : Put::busy;
  if (outcome == Put::busy) {
    outcome = without_gil([&] { return self.engine->put(outgoing, Contend::yes, number); });
  }
  switch (outcome) {
    case Put::done:
      message.cargo.delivered();
      return PyLong_FromUnsignedLong(number);
    case Put::no_memory:
      return raise(channel::last_put_failure());
    case Put::full:
    case Put::busy:
    case Put::closed:
      break;
  }
  PyErr_SetString(PyExc_ValueError, "Pool not running");
  return nullptr;
}

PyObject* put_task(Crew& self, PyObject* task, bool temporary) {
  install_wanted_allocator();
  try {
    MessageLease message;
    if (!encode(task, temporary, *message)) return nullptr;
    return put_message(self, *message);
  } catch (const std::bad_alloc&) {
    return PyErr_NoMemory();
  }
}

PyObject* put(PyObject* object, PyObject* const* given, Py_ssize_t count) {
  if (!check_count("put", count, 1)) return nullptr;
  Crew* self = Handle::own(object);
  return self == nullptr ? nullptr : put_task(*self, given[0], is_temporary(object, given));
}

PyObject* put_all(PyObject* object, PyObject* tasks) {
  Crew* self = Handle::own(object);
  if (self == nullptr) return nullptr;
  if (!PyList_Check(tasks)) {
    PyErr_SetString(PyExc_TypeError, "put_all() takes the tasks as a list");
    return nullptr;
  }
  const Reference numbers(PyList_New(0));
  if (!numbers) return nullptr;
  // Encoding runs any code, which may change the list.
  for (Py_ssize_t i = 0; i < PyList_GET_SIZE(tasks); ++i) {
    Reference task(new_reference(PyList_GET_ITEM(tasks, i)));
    if (PyList_SetItem(tasks, i, new_reference(Py_None)) != 0) return nullptr;
    const Reference number(put_task(*self, task.get(), is_only_owner(task.get())));
    if (!number) {
      const Reference exception = take_exception();
      return PyTuple_Pack(2, numbers.get(), exception.get());
    }
    if (PyList_Append(numbers.get(), number.get()) != 0) return nullptr;
  }
  return PyTuple_Pack(2, numbers.get(), Py_None);
}

PyObject* waiting(PyObject* object, PyObject*) {
  Crew* self = Handle::own(object);
  return self == nullptr ? nullptr : PyLong_FromUnsignedLong(self->engine->waiting());
}

PyObject* is_taken(PyObject* object, PyObject* given) {
  Crew* self = Handle::own(object);
  std::uint32_t number = 0;
  if (self == nullptr || !parse_number(given, number)) return nullptr;
  return PyBool_FromLong(without_gil([&] { return self->engine->is_taken(number); }));
}

PyObject* close(PyObject* object, PyObject*) {
  Crew* self = Handle::own(object);
  if (self == nullptr) return nullptr;
  self->engine->close();
  Py_RETURN_NONE;
}

PyObject* discard(PyObject* object, PyObject*) {
  Crew* self = Handle::own(object);
  if (self == nullptr) return nullptr;
  return PyLong_FromUnsignedLong(without_gil([&] { return self->engine->discard_tasks(); }));
}

// -- answers --------------------------------------------------------------------------------------

// What can be read of an answer that was taken is given, whatever else happens: nobody else has it.
// `interrupted` is told by a KeyboardInterrupt from within.
PyObject* read_answer(channel::Incoming& message, bool& interrupted) {
  const auto verdict = pool::cut_off_verdict(message);
  if (!verdict) {
    message.discard();
    return raise({Error::corrupt});
  }
  PyObject* value = nullptr;
  try {
    value = decode(message);
  } catch (const std::bad_alloc&) {
    PyErr_NoMemory();
  }
  const bool readable = value != nullptr;
  if (!readable) {
    interrupted = PyErr_ExceptionMatches(PyExc_KeyboardInterrupt) != 0;
    value = take_exception().release();
  }
  install_wanted_allocator();
  PyObject* number =
      verdict->number ? PyLong_FromUnsignedLong(*verdict->number) : new_reference(Py_None);
  return Py_BuildValue("(NNNL)", number, PyBool_FromLong(readable && verdict->success), value,
                       static_cast<long long>(verdict->computing));
}

// Appends the answer in `message`; false with an exception set. Who is interrupted in the middle is
// to be so at once, and not when somebody looks at the answer.
bool append_answer(PyObject* answers, channel::Incoming& message) {
  bool interrupted = false;
  const Reference answer(read_answer(message, interrupted));
  if (!answer || PyList_Append(answers, answer.get()) != 0) return false;
  if (interrupted) PyErr_SetNone(PyExc_KeyboardInterrupt);
  return !interrupted;
}

// The next answer, until the deadline; false with an exception set.
bool wait_and_get(Crew& self, channel::Incoming& message, Get& outcome, os::Deadline deadline) {
  outcome = self.engine->get(message, Contend::never);
  if (outcome != Get::busy && (outcome != Get::empty || deadline.expired())) return true;
  const auto round = [&] {
    outcome = self.engine->get_round(message, deadline);
    return outcome != Get::busy;
  };
  return block_until(round, [] { return true; });
}

PyObject* get(PyObject* object, PyObject* const* given, Py_ssize_t count, PyObject* keywords) {
  static constexpr Signature kSignature{"get", 2, {"answers", "most", "block", "timeout"}};
  Arguments arguments;
  if (!parse(kSignature, given, count, keywords, arguments)) return nullptr;
  std::uint32_t most = 0;
  os::Deadline deadline = os::Deadline::never();
  if (!parse_number(arguments[1], most) || !parse_patience(arguments[2], arguments[3], deadline)) {
    return nullptr;
  }
  Crew* self = Handle::own(object);
  if (self == nullptr) return nullptr;
  if (!PyList_Check(arguments[0])) {
    PyErr_SetString(PyExc_TypeError, "get() appends the answers to a list");
    return nullptr;
  }
  std::uint32_t got = 0;
  while (got < most) {
    channel::Incoming message;
    Get outcome = Get::empty;
    if (got == 0) {
      if (!wait_and_get(*self, message, outcome, deadline)) return nullptr;
    } else {
      outcome = self->engine->get(message, Contend::never);
    }
    if (outcome == Get::done) {
      if (!append_answer(arguments[0], message)) return nullptr;
      ++got;
    } else if (outcome == Get::empty || (outcome == Get::busy && got != 0)) {
      break;
    } else {
      return raise({Error::corrupt});
    }
  }
  return PyLong_FromUnsignedLong(got);
}

PyObject* ready(PyObject* object, PyObject*) {
  Crew* self = Handle::own(object);
  return self == nullptr ? nullptr : PyBool_FromLong(self->engine->has_answer());
}

// -- seats ----------------------------------------------------------------------------------------

// Null with an exception set where this is no process's crew of ours, or it has no such seat.
Crew* with_seat(PyObject* object, PyObject* given, std::uint32_t& seat) {
  Crew* self = Handle::own(object);
  if (self == nullptr || !parse_number(given, seat)) return nullptr;
  if (seat < self->engine->seat_count()) return self;
  PyErr_SetString(PyExc_IndexError, "the pool has no such seat");
  return nullptr;
}

PyObject* at(PyObject* object, PyObject* given) {
  std::uint32_t seat = 0;
  Crew* self = with_seat(object, given, seat);
  if (self == nullptr) return nullptr;
  const auto number = self->engine->at(seat);
  if (!number) Py_RETURN_NONE;
  return PyLong_FromUnsignedLong(*number);
}

PyObject* clear_seat(PyObject* object, PyObject* given) {
  std::uint32_t seat = 0;
  Crew* self = with_seat(object, given, seat);
  if (self == nullptr) return nullptr;
  self->engine->clear_seat(seat);
  Py_RETURN_NONE;
}

PyObject* figures(PyObject* object, PyObject* given) {
  std::uint32_t seat = 0;
  Crew* self = with_seat(object, given, seat);
  if (self == nullptr) return nullptr;
  const pool::Figures figures = self->engine->figures(seat);
  static_assert(pool::kPhases == 4);
  return Py_BuildValue("(KKKKKK)", static_cast<unsigned long long>(figures.taken),
                       static_cast<unsigned long long>(figures.started),
                       static_cast<unsigned long long>(figures.spent[0]),
                       static_cast<unsigned long long>(figures.spent[1]),
                       static_cast<unsigned long long>(figures.spent[2]),
                       static_cast<unsigned long long>(figures.spent[3]));
}

// -- making ---------------------------------------------------------------------------------------

PyObject* name(PyObject* object, PyObject*) {
  Crew* self = Handle::own(object);
  if (self == nullptr) return nullptr;
  const pool::Name name = self->engine->name();
  return Py_BuildValue("(IIIIII)", name.seats.block, name.seats.time, name.tasks.index,
                       name.tasks.generation, name.answers.index, name.answers.generation);
}

PyObject* hold_for(PyObject* object, PyObject* given) {
  Crew* self = Handle::own(object);
  std::uint32_t slot = 0;
  if (self == nullptr || !parse_number(given, slot)) return nullptr;
  self->engine->hold_for(slot);
  Py_RETURN_NONE;
}

PyObject* validate(PyObject* object, PyObject*) {
  Crew* self = Handle::own(object);
  return self == nullptr ? nullptr : PyUnicode_FromString(self->engine->validate().c_str());
}

int initialise(PyObject* self, PyObject* arguments, PyObject* keywords) {
  static const char* const kNames[] = {"seats", nullptr};
  PyObject* given = nullptr;
  std::uint32_t seats = 0;
  if (PyArg_ParseTupleAndKeywords(arguments, keywords, "O:Crew", const_cast<char**>(kNames),
                                  &given) == 0 ||
      !parse_number(given, seats)) {
    return -1;
  }
  if (auto joined = memory::join_family(); !joined) {
    raise(joined.failure());
    return -1;
  }
  return Handle::initialise(self, pool::Crew::create(seats));
}

PyMethodDef methods[] = {
    {"put", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(put)), METH_FASTCALL,
     "put($self, task, /)\n--\n\nAppend a task; its number. ValueError once the pool is closed."},
    {"put_all", put_all, METH_O,
     "put_all($self, tasks, /)\n--\n\nAppend the tasks of a list, up to the first that fails, and "
     "take them out of it (None is left): their numbers, and what that one raised, or None."},
    {"get", as_method(get), METH_FASTCALL | METH_KEYWORDS,
     "get($self, /, answers, most, block=True, timeout=None)\n--\n\nAppend the answers that are "
     "there to a list; how many. Each is the task's number (None: a worker tells something), "
     "whether it succeeded, the value, and the nanoseconds of computing. What cannot be read is a "
     "failure, with what reading it raised. Waits for the first, `timeout` seconds at most (None: "
     "as long as it takes), or with `block` false not at all."},
    {"ready", ready, METH_NOARGS, "ready($self, /)\n--\n\nWhether an answer waits."},
    {"at", at, METH_O,
     "at($self, seat, /)\n--\n\nThe task that the worker in a seat is at, was at when it died, or "
     "was about to take."},
    {"is_taken", is_taken, METH_O,
     "is_taken($self, number, /)\n--\n\nWhether any worker has taken that task."},
    {"waiting", waiting, METH_NOARGS, "waiting($self, /)\n--\n\nHow many tasks nobody has taken."},
    {"close", close, METH_NOARGS,
     "close($self, /)\n--\n\nNo task comes any more: workers leave after the last."},
    {"discard", discard, METH_NOARGS,
     "discard($self, /)\n--\n\nTake out the tasks that wait; how many."},
    {"clear_seat", clear_seat, METH_O,
     "clear_seat($self, seat, /)\n--\n\nMake the seat of a dead worker ready for another."},
    {"figures", figures, METH_O,
     "figures($self, seat, /)\n--\n\nOf the worker in a seat: tasks taken, when it started, and "
     "how "
     "long it waited, received, computed and sent, in nanoseconds."},
    {"_validate", validate, METH_NOARGS, nullptr},
    {"_name", name, METH_NOARGS, nullptr},
    {"_hold_for", hold_for, METH_O, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

PyType_Slot slots[] = {
    {Py_tp_new, reinterpret_cast<void*>(Handle::allocate)},
    {Py_tp_init, reinterpret_cast<void*>(initialise)},
    {Py_tp_dealloc, reinterpret_cast<void*>(Handle::deallocate)},
    {Py_tp_methods, methods},
    {Py_tp_doc, const_cast<char*>("A pool of workers as its parent has it: tasks and answers.")},
    {0, nullptr},
};

PyType_Spec spec = {"onecopy._engine.Crew", sizeof(Crew), 0,
                    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, slots};

}  // namespace

bool add_crew_type(PyObject* module) { return add_type(module, spec); }

}  // namespace onecopy::python
