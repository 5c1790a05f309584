#include "pool_worker.hpp"

#include <limits>
#include <new>
#include <optional>
#include <utility>

#include "allocator.hpp"
#include "arguments.hpp"
#include "decode.hpp"
#include "encode.hpp"
#include "pool/answer.hpp"
#include "pool/worker.hpp"
#include "pool_end.hpp"
#include "pool_task.hpp"
#include "temporary.hpp"
#include "waiting.hpp"

namespace onecopy::python {
namespace {

using channel::Contend;
using channel::Get;
using channel::Put;
using pool::Phase;

struct PoolWorker {
  PyObject_HEAD std::optional<pool::Worker> engine;
  memory::Ticket maker;
  bool has_task;  // taken, and not answered
  bool at_work;   // serve() is at it
  std::uint32_t number;
  os::Nanoseconds mark;  // when what it is at was begun
  os::Nanoseconds computing;
};

using Handle = PoolEnd<PoolWorker>;

// Adds the time since the last lap to the figures of the seat; how much that was.
os::Nanoseconds lap(PoolWorker& self, Phase phase) noexcept {
  const os::Nanoseconds now = os::now();
  const os::Nanoseconds time = now - self.mark;
  self.engine->spend(phase, time);
  self.mark = now;
  return time;
}

// Null with an exception set where it has a task.
PoolWorker* without_task(PyObject* object) {
  PoolWorker* self = Handle::own(object);
  if (self == nullptr || !self->has_task) return self;
  PyErr_Format(PyExc_ValueError, "task %u has no answer yet", self->number);
  return nullptr;
}

// -- taking ---------------------------------------------------------------------------------------

// Waits for a task, or for the end of all tasks; false with an exception set.
bool wait_and_take(PoolWorker& self, channel::Incoming& message, Get& outcome) {
  pool::Worker& engine = *self.engine;
  // Asked before the look: what was put before the closing is seen by it.
  bool closing = engine.is_closing();
  outcome = engine.take(message, Contend::never, self.number);
  if (outcome != Get::busy && (outcome != Get::empty || closing)) return true;
  const auto round = [&] {
    do {
      closing = engine.is_closing();
      outcome = engine.take(message, Contend::yes, self.number);
      if (outcome != Get::empty || closing) return true;
    } while (engine.wait_for_task(os::Deadline::never()) == sync::Wait::ready);
    return false;
  };
  return block_until(round, [] { return true; });
}

// The next task. Null without an exception: there will be none. Null with one: while `has_task`,
// what reading the task raised.
Reference take_task(PoolWorker& self) {
  channel::Incoming message;
  Get outcome = Get::empty;
  self.mark = os::now();
  const bool waited = wait_and_take(self, message, outcome);
  lap(self, Phase::waiting);
  if (!waited || outcome == Get::empty) return {};
  if (outcome != Get::done) {
    raise({Error::corrupt});
    return {};
  }
  self.has_task = true;
  self.computing = 0;
  // A signal that came while it waited is not the task's.
  if (PyErr_CheckSignals() != 0) {
    message.discard();
    return {};
  }
  PyObject* task = nullptr;
  try {
    task = decode(message);
  } catch (const std::bad_alloc&) {
    PyErr_NoMemory();
  }
  if (task != nullptr) install_wanted_allocator();
  lap(self, Phase::receiving);
  return Reference(task);
}

PyObject* take(PyObject* object, PyObject*) {
  PoolWorker* self = without_task(object);
  if (self == nullptr) return nullptr;
  const Reference task = take_task(*self);
  if (task) return Py_BuildValue("(kO)", static_cast<unsigned long>(self->number), task.get());
  return PyErr_Occurred() == nullptr ? raise_eof() : nullptr;
}

// -- answering ------------------------------------------------------------------------------------

// The worker's task; null with an exception set where `number` is not its number.
PoolWorker* with_task(PyObject* object, std::uint32_t number) {
  PoolWorker* self = Handle::own(object);
  if (self == nullptr || (self->has_task && self->number == number)) return self;
  PyErr_Format(PyExc_ValueError, "task %u is not the one to be answered", number);
  return nullptr;
}

bool put_message(PoolWorker& self, OutgoingMessage& message, bool of_task) {
  const channel::Outgoing outgoing = message.outgoing();
  const auto put = [&](Contend contend) {
    return of_task ? self.engine->answer(outgoing, contend) : self.engine->tell(outgoing, contend);
  };
  Put outcome = outgoing.body.size() < kWorthLettingGo ? put(Contend::never) : Put::busy;
  if (outcome == Put::busy) outcome = without_gil([&] { return put(Contend::yes); });
  if (outcome == Put::done) {
    message.cargo.delivered();
    if (of_task) self.has_task = false;
    return true;
  }
  raise(outcome == Put::no_memory ? channel::last_put_failure() : Failure{Error::closed});
  return false;
}

// False with an exception set; then nothing is put. `given_up`: nobody else looks at the value.
bool put_answer(PoolWorker& self, pool::Verdict verdict, PyObject* value, bool given_up) {
  install_wanted_allocator();
  try {
    MessageLease message;
    if (!encode(value, given_up, *message)) return false;
    verdict.computing = self.computing;
    pool::append_verdict(message->body, verdict);
    if (!message->body.failed()) return put_message(self, *message, verdict.number.has_value());
  } catch (const std::bad_alloc&) {
  }
  PyErr_NoMemory();
  return false;
}

PyObject* answer(PyObject* object, PyObject* const* given, Py_ssize_t count) {
  if (!check_count("answer", count, 3)) return nullptr;
  const int success = PyObject_IsTrue(given[1]);
  std::uint32_t number = 0;
  if (success < 0 || !parse_number(given[0], number)) return nullptr;
  PoolWorker* self = with_task(object, number);
  if (self == nullptr || !put_answer(*self, {number, success != 0}, given[2], false)) {
    return nullptr;
  }
  Py_RETURN_NONE;
}

PyObject* tell(PyObject* object, PyObject* value) {
  PoolWorker* self = without_task(object);
  if (self == nullptr || !put_answer(*self, {std::nullopt, true}, value, false)) return nullptr;
  Py_RETURN_NONE;
}

// -- serving --------------------------------------------------------------------------------------

// What serve() calls for a task.
struct Handlers {
  PyObject* unpack;  // (packed): the function
  PyObject* fail;    // (number, exception): the task raised that, and has no answer
  PyObject* unsent;  // (number, exception, result): sending the result raised that
};

// Answers the task that was taken with what it gives; false with an exception set. A null task is
// one that could not be read, with an exception set.
bool do_task(PyObject* object, Reference task, const Handlers& handlers) {
  PoolWorker* self = &Handle::self_of(object);
  const std::uint32_t number = self->number;
  self->at_work = true;
  const Reference result = task ? call_task(task.get(), handlers.unpack) : Reference();
  Reference exception = result ? Reference() : take_exception();
  // The function may have done anything: forked, or answered its task itself.
  self = Handle::own(object);
  if (self == nullptr) return false;
  self->computing = lap(*self, Phase::computing);
  bool may_be_sent = true;
  if (result && self->has_task) {
    const pool::Verdict verdict{number, true};
    if (!put_answer(*self, verdict, result.get(), is_only_owner(result.get()))) {
      may_be_sent = PyErr_ExceptionMatches(PyExc_Exception) == 0;
      exception = take_exception();
    }
    lap(*self, Phase::sending);
  }
  self->at_work = false;
  if (!exception || !self->has_task) return true;
  const Reference answered(
      may_be_sent
          ? PyObject_CallFunction(handlers.fail, "kO", static_cast<unsigned long>(number),
                                  exception.get())
          : PyObject_CallFunction(handlers.unsent, "kOO", static_cast<unsigned long>(number),
                                  exception.get(), result.get()));
  return static_cast<bool>(answered);
}

PyObject* serve(PyObject* object, PyObject* const* given, Py_ssize_t count) {
  if (!check_count("serve", count, 4)) return nullptr;
  const Handlers handlers{given[0], given[1], given[2]};
  long long most = std::numeric_limits<long long>::max();
  if (given[3] != Py_None) {
    int overflow = 0;
    most = PyLong_AsLongLongAndOverflow(given[3], &overflow);
    if (PyErr_Occurred() != nullptr) return nullptr;
    if (overflow > 0) most = std::numeric_limits<long long>::max();
  }
  PoolWorker* self = without_task(object);
  if (self == nullptr) return nullptr;
  for (long long served = 0; served < most; ++served) {
    Reference task = take_task(*self);
    if (!task && !self->has_task) {
      return PyErr_Occurred() == nullptr ? PyLong_FromLongLong(served) : nullptr;
    }
    if (!do_task(object, std::move(task), handlers) || PyErr_CheckSignals() != 0) return nullptr;
  }
  return PyLong_FromLongLong(most);
}

// -- making ---------------------------------------------------------------------------------------

PyObject* is_at_work(PyObject* object, void*) {
  return PyBool_FromLong(Handle::self_of(object).at_work);
}

PyObject* number_of(PyObject* object, void*) {
  const PoolWorker& self = Handle::self_of(object);
  if (!self.has_task) Py_RETURN_NONE;
  return PyLong_FromUnsignedLong(self.number);
}

int initialise(PyObject* object, PyObject* arguments, PyObject* keywords) {
  static const char* const kNames[] = {"name", "seat", nullptr};
  pool::Name name;
  PyObject* given = nullptr;
  std::uint32_t seat = 0;
  if (PyArg_ParseTupleAndKeywords(arguments, keywords, "(IIIIII)O:PoolWorker",
                                  const_cast<char**>(kNames), &name.seats.block, &name.seats.time,
                                  &name.tasks.index, &name.tasks.generation, &name.answers.index,
                                  &name.answers.generation, &given) == 0 ||
      !parse_number(given, seat)) {
    return -1;
  }
  PoolWorker& self = Handle::self_of(object);
  self.has_task = false;
  return Handle::initialise(object, pool::Worker::open(name, seat));
}

PyMethodDef methods[] = {
    {"take", take, METH_NOARGS,
     "take($self, /)\n--\n\nThe next task: its number and what was put. Waits for one; EOFError "
     "once the pool is closed and none is left."},
    {"serve", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(serve)), METH_FASTCALL,
     "serve($self, unpack, fail, unsent, most, /)\n--\n\nTake tasks and answer each, `most` of "
     "them "
     "(None: all); how many there were. A task is (packed, way, arguments, keywords): "
     "`unpack(packed)` is its function, called by one of the ways CALL, MAP and STARMAP. What it "
     "raises is given to `fail(number, exception)`; a result that cannot be sent, with the reason, "
     "to `unsent(number, exception, result)`: these answer."},
    {"answer", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(answer)), METH_FASTCALL,
     "answer($self, number, success, value, /)\n--\n\nAnswer the task."},
    {"tell", tell, METH_O,
     "tell($self, value, /)\n--\n\nPut something among the answers that is the answer of no "
     "task."},
    {nullptr, nullptr, 0, nullptr},
};

PyGetSetDef properties[] = {
    {"number", number_of, nullptr,
     "The task that was taken and has no answer yet, one that could not be read too; None: there "
     "is none.",
     nullptr},
    {"at_work", is_at_work, nullptr,
     "Whether serve() does or answers a task, rather than waits for one or reads it.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

PyType_Slot slots[] = {
    {Py_tp_new, reinterpret_cast<void*>(Handle::allocate)},
    {Py_tp_init, reinterpret_cast<void*>(initialise)},
    {Py_tp_dealloc, reinterpret_cast<void*>(Handle::deallocate)},
    {Py_tp_methods, methods},
    {Py_tp_getset, properties},
    {Py_tp_doc, const_cast<char*>("A pool as one of its workers has it, from a seat of its own.")},
    {0, nullptr},
};

PyType_Spec spec = {"onecopy._engine.PoolWorker", sizeof(PoolWorker), 0, Py_TPFLAGS_DEFAULT, slots};

}  // namespace

bool add_pool_worker_type(PyObject* module) { return add_type(module, spec); }

}  // namespace onecopy::python
