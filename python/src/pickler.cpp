#include "pickler.hpp"

#include <new>
#include <utility>

#include "message/envelope.hpp"
#include "shared_buffer.hpp"

namespace onecopy::python {
namespace {

// Never destroyed: messages are still read while the interpreter shuts down.
PyObject* dumps_function = nullptr;
PyObject* loads_function = nullptr;

bool is_set() {
  if (dumps_function != nullptr) return true;
  PyErr_SetString(PyExc_RuntimeError, "set_pickler() was not called");
  return false;
}

thread_local bool pickling_message = false;

// What pickling runs may pickle in turn.
class Pickling {
 public:
  explicit Pickling(bool message) noexcept : before_(std::exchange(pickling_message, message)) {}
  ~Pickling() { pickling_message = before_; }
  Pickling(const Pickling&) = delete;
  Pickling& operator=(const Pickling&) = delete;

 private:
  bool before_;
};

constexpr const char* kCapsuleName = "onecopy.buffers";

// The buffer_callback: true tells pickle to write the buffer into the stream. `self` is a capsule
// around the list, emptied once pickling is over.
PyObject* take_buffer(PyObject* self, PyObject* buffer) {
  auto* buffers = static_cast<std::vector<Reference>*>(PyCapsule_GetPointer(self, kCapsuleName));
  if (buffers == nullptr) return nullptr;
  const Py_buffer* view = PyPickleBuffer_GetBuffer(buffer);
  if (view == nullptr) return nullptr;
  const bool large = view->len >= static_cast<Py_ssize_t>(message::kBlockThreshold);
  const bool shared = shared_memory_of(*view).block != memory::kNoBlock;
  if ((!large && !shared) || PyBuffer_IsContiguous(view, 'A') == 0) Py_RETURN_TRUE;
  try {
    buffers->push_back(Reference::to(buffer));
  } catch (const std::bad_alloc&) {
    return PyErr_NoMemory();
  }
  Py_RETURN_FALSE;
}

PyMethodDef take_buffer_method = {"take_buffer", take_buffer, METH_O, nullptr};

PyObject* checked_bytes(PyObject* stream) {
  if (stream == nullptr || PyBytes_Check(stream)) return stream;
  PyErr_Format(PyExc_TypeError, "the pickler gave %.200s instead of bytes",
               Py_TYPE(stream)->tp_name);
  Py_DECREF(stream);
  return nullptr;
}

}  // namespace

void set_pickler(nb::object dumps, nb::object loads) {
  const Reference old_dumps(std::exchange(dumps_function, dumps.release().ptr()));
  const Reference old_loads(std::exchange(loads_function, loads.release().ptr()));
}

bool pickle(PyObject* object, Pickled& pickled) {
  if (!is_set()) return false;
  const Reference capsule(PyCapsule_New(&pickled.buffers, kCapsuleName, nullptr));
  if (!capsule) return false;
  const Reference callback(PyCFunction_New(&take_buffer_method, capsule.get()));
  if (!callback) return false;
  const Reference dumps = Reference::to(dumps_function);
  const Pickling pickling(true);
  pickled.stream = Reference(
      checked_bytes(PyObject_CallFunctionObjArgs(dumps.get(), object, callback.get(), nullptr)));
  // A pickler that kept the callback can no longer reach the list.
  PyCapsule_SetName(capsule.get(), "onecopy.used");
  return static_cast<bool>(pickled.stream);
}

bool is_pickling_message() noexcept { return pickling_message; }

PyObject* pickle_to_bytes(PyObject* object) {
  if (!is_set()) return nullptr;
  const Reference dumps = Reference::to(dumps_function);
  const Pickling pickling(false);
  return checked_bytes(PyObject_CallFunctionObjArgs(dumps.get(), object, Py_None, nullptr));
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
