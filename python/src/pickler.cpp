#include "pickler.hpp"

#include <utility>

namespace onecopy::python {
namespace {

// Never destroyed: messages are still read while the interpreter shuts down.
PyObject* dump_function = nullptr;
PyObject* dumps_function = nullptr;
PyObject* loads_function = nullptr;

bool is_set() {
  if (dumps_function != nullptr) return true;
  PyErr_SetString(PyExc_RuntimeError, "set_pickler() was not called");
  return false;
}

// Of the message that this thread is pickling; null: it is pickling none.
thread_local Withdrawals* pickling_message = nullptr;

// What pickling runs may pickle in turn.
class Pickling {
 public:
  explicit Pickling(Withdrawals* message) noexcept
      : before_(std::exchange(pickling_message, message)) {}
  ~Pickling() { pickling_message = before_; }
  Pickling(const Pickling&) = delete;
  Pickling& operator=(const Pickling&) = delete;

 private:
  Withdrawals* before_;
};

PyObject* checked_bytes(PyObject* stream) {
  if (stream == nullptr || PyBytes_Check(stream)) return stream;
  PyErr_Format(PyExc_TypeError, "the pickler gave %.200s instead of bytes",
               Py_TYPE(stream)->tp_name);
  Py_DECREF(stream);
  return nullptr;
}

}  // namespace

void set_pickler(nb::object dump, nb::object dumps, nb::object loads) {
  const Reference old_dump(std::exchange(dump_function, dump.release().ptr()));
  const Reference old_dumps(std::exchange(dumps_function, dumps.release().ptr()));
  const Reference old_loads(std::exchange(loads_function, loads.release().ptr()));
}

bool pickle(PyObject* object, Pickled& pickled) {
  if (!is_set()) return false;
  const OpenSink sink(pickled);
  if (!sink) return false;
  const Reference dump = Reference::to(dump_function);
  const Pickling pickling(&pickled.withdrawals);
  const Reference given(PyObject_CallFunctionObjArgs(dump.get(), object, sink.get(), nullptr));
  if (!given) return false;
  if (given.get() == Py_None) return sink.finish();
  pickled.buffers.clear();
  pickled.stream = Reference(checked_bytes(new_reference(given.get())));
  return static_cast<bool>(pickled.stream);
}

bool is_pickling_message() noexcept { return pickling_message != nullptr; }

void when_undelivered(const nb::callable& function) {
  if (pickling_message != nullptr) pickling_message->add(function.ptr());
}

PyObject* pickle_to_bytes(PyObject* object) {
  if (!is_set()) return nullptr;
  const Reference dumps = Reference::to(dumps_function);
  const Pickling pickling(nullptr);
  return checked_bytes(PyObject_CallOneArg(dumps.get(), object));
}

PyObject* unpickle(PyObject* stream, PyObject* buffers) {
  if (!is_set()) return nullptr;
  const Reference loads = Reference::to(loads_function);
  if (buffers == nullptr) return PyObject_CallOneArg(loads.get(), stream);
  static PyObject* const keywords = Py_BuildValue("(s)", "buffers");
  if (keywords == nullptr) return nullptr;
  PyObject* const arguments[] = {stream, buffers};
  return PyObject_Vectorcall(loads.get(), arguments, 1, keywords);
}

}  // namespace onecopy::python
