#include "envelope.hpp"

#include <unistd.h>

#include <new>
#include <optional>

#include "errors.hpp"

namespace onecopy::python {
namespace {

struct Envelope {
  PyObject_HEAD
      // Nothing: delivered.
      std::optional<MessageLease>
          message;
  pid_t maker;
};

PyTypeObject* envelope_type = nullptr;

Envelope& self_of(PyObject* object) noexcept { return *reinterpret_cast<Envelope*>(object); }

// May run late, when the module is gone and the process about to end: the arena is still mapped.
void deallocate(PyObject* self) {
  PyTypeObject* type = Py_TYPE(self);
  Envelope& envelope = self_of(self);
  // In a fork's child the blocks are its parent's.
  if (envelope.message && envelope.maker != getpid()) (*envelope.message)->cargo.delivered();
  envelope.message.~optional();
  type->tp_free(self);
  Py_DECREF(type);
}

PyObject* refuse(PyTypeObject*, PyObject*, PyObject*) {
  PyErr_SetString(PyExc_TypeError, "only the engine makes envelopes");
  return nullptr;
}

PyType_Slot slots[] = {
    {Py_tp_new, reinterpret_cast<void*>(refuse)},
    {Py_tp_dealloc, reinterpret_cast<void*>(deallocate)},
    {Py_tp_doc, const_cast<char*>("An object that was encoded for a queue and is not yet in it.")},
    {0, nullptr},
};

PyType_Spec spec = {"onecopy._engine.Envelope", sizeof(Envelope), 0, Py_TPFLAGS_DEFAULT, slots};

}  // namespace

bool add_envelope_type(PyObject* module) {
  envelope_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&spec));
  return envelope_type != nullptr && PyModule_AddType(module, envelope_type) == 0;
}

PyObject* make_envelope(PyObject* object, bool temporary) {
  Reference made(reinterpret_cast<PyObject*>(PyObject_New(Envelope, envelope_type)));
  if (!made) return nullptr;
  Envelope& envelope = self_of(made.get());
  ::new (&envelope.message) std::optional<MessageLease>;
  envelope.maker = getpid();
  try {
    if (!encode(object, temporary, *envelope.message.emplace())) return nullptr;
    return made.release();
  } catch (const std::bad_alloc&) {
    return PyErr_NoMemory();
  }
}

OutgoingMessage* message_in(PyObject* object) {
  if (!Py_IS_TYPE(object, envelope_type)) {
    PyErr_SetString(PyExc_TypeError, "this is no envelope");
    return nullptr;
  }
  Envelope& envelope = self_of(object);
  if (envelope.message && envelope.maker == getpid()) return &**envelope.message;
  raise_os_error("the object is put already, or is another process's to put");
  return nullptr;
}

void empty_envelope(PyObject* envelope) noexcept { self_of(envelope).message.reset(); }

}  // namespace onecopy::python
