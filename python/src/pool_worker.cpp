#include "pool_worker.hpp"

#include <new>
#include <optional>

#include "allocator.hpp"
#include "arguments.hpp"
#include "decode.hpp"
#include "encode.hpp"
#include "pool/answer.hpp"
#include "pool/worker.hpp"
#include "pool_end.hpp"
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
  std::uint32_t number;
};

using Handle = PoolEnd<PoolWorker>;

// Adds the time from its making to its end to the figures of the seat, unless this is another
// process by then.
class Spent {
 public:
  Spent(PoolWorker& self, Phase phase) noexcept : self_(self), phase_(phase), begin_(os::now()) {}
  ~Spent() {
    if (self_.maker == memory::self_ticket()) self_.engine->spend(phase_, os::now() - begin_);
  }
  Spent(const Spent&) = delete;
  Spent& operator=(const Spent&) = delete;

 private:
  PoolWorker& self_;
  Phase phase_;
  os::Nanoseconds begin_;
};

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
  const Spent spent(self, Phase::waiting);
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

PyObject* take(PyObject* object, PyObject*) {
  PoolWorker* self = without_task(object);
  if (self == nullptr) return nullptr;
  channel::Incoming message;
  Get outcome = Get::empty;
  if (!wait_and_take(*self, message, outcome)) return nullptr;
  if (outcome == Get::empty) return raise_eof();
  if (outcome != Get::done) return raise({Error::corrupt});
  self->has_task = true;
  const Spent spent(*self, Phase::receiving);
  try {
    const Reference task(decode(message));
    if (!task) return nullptr;
    install_wanted_allocator();
    return Py_BuildValue("(kO)", static_cast<unsigned long>(self->number), task.get());
  } catch (const std::bad_alloc&) {
    return PyErr_NoMemory();
  }
}

// -- answering ------------------------------------------------------------------------------------

// The worker's task; null with an exception set where `given` is not its number.
PoolWorker* with_task(PyObject* object, PyObject* given) {
  PoolWorker* self = Handle::own(object);
  std::uint32_t number = 0;
  if (self == nullptr || !parse_number(given, number)) return nullptr;
  if (self->has_task && self->number == number) return self;
  PyErr_Format(PyExc_ValueError, "task %u is not the one to be answered", number);
  return nullptr;
}

bool put_message(PoolWorker& self, OutgoingMessage& message, bool of_task) {
  const channel::Outgoing outgoing = message.outgoing();
  Put outcome = outgoing.body.size() < kWorthLettingGo
                    ? self.engine->answer(outgoing, Contend::never)
                    : Put::busy;
  if (outcome == Put::busy) {
    outcome = without_gil([&] { return self.engine->answer(outgoing, Contend::yes); });
  }
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
  const Spent spent(self, Phase::sending);
  install_wanted_allocator();
  try {
    MessageLease message;
    if (!encode(value, given_up, *message)) return false;
    pool::append_verdict(message->body, verdict);
    if (!message->body.failed()) return put_message(self, *message, verdict.number.has_value());
  } catch (const std::bad_alloc&) {
  }
  PyErr_NoMemory();
  return false;
}

PyObject* run(PyObject* object, PyObject* const* given, Py_ssize_t count) {
  if (!check_count("run", count, 4)) return nullptr;
  PyObject* const arguments = given[2];
  PyObject* const keywords = given[3];
  if (!PyTuple_Check(arguments) || !PyDict_Check(keywords)) {
    PyErr_SetString(PyExc_TypeError, "run() takes the arguments as a tuple and a dict");
    return nullptr;
  }
  PoolWorker* self = with_task(object, given[0]);
  if (self == nullptr) return nullptr;
  const auto compute = [&] {
    const Spent spent(*self, Phase::computing);
    return Reference(PyObject_Call(given[1], arguments, keywords));
  };
  const Reference result = compute();
  if (!result) return nullptr;
  // The function may have done anything: answered its task itself, or forked.
  self = with_task(object, given[0]);
  if (self == nullptr) return nullptr;
  const pool::Verdict verdict{self->number, true};
  if (put_answer(*self, verdict, result.get(), is_only_owner(result.get()))) Py_RETURN_NONE;
  if (PyErr_ExceptionMatches(PyExc_Exception) == 0) return nullptr;
  const Reference exception = take_exception();
  return PyTuple_Pack(2, exception.get(), result.get());
}

PyObject* answer(PyObject* object, PyObject* const* given, Py_ssize_t count) {
  if (!check_count("answer", count, 3)) return nullptr;
  const int success = PyObject_IsTrue(given[1]);
  if (success < 0) return nullptr;
  PoolWorker* self = with_task(object, given[0]);
  if (self == nullptr || !put_answer(*self, {self->number, success != 0}, given[2], false)) {
    return nullptr;
  }
  Py_RETURN_NONE;
}

PyObject* tell(PyObject* object, PyObject* value) {
  PoolWorker* self = without_task(object);
  if (self == nullptr || !put_answer(*self, {std::nullopt, true}, value, false)) return nullptr;
  Py_RETURN_NONE;
}

// -- making ---------------------------------------------------------------------------------------

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
    {"run", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(run)), METH_FASTCALL,
     "run($self, number, function, args, kwds, /)\n--\n\nAnswer the task with what the function "
     "returns. What it raises is raised; where what it returned cannot be sent, that exception and "
     "what it returned are given, and the task has no answer yet."},
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
