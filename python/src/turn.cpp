#include "turn.hpp"

#include "synchronizer.hpp"

namespace onecopy::python {
namespace {

// The GIL guards it.
struct Turn {
  PyObject_HEAD unsigned long owner;
  bool is_taken;
};

Turn& self_of(PyObject* object) noexcept { return *reinterpret_cast<Turn*>(object); }

PyObject* take(PyObject* object, PyObject* call) {
  Turn& self = self_of(object);
  if (self.is_taken) Py_RETURN_FALSE;
  self.owner = PyThread_get_thread_ident();
  self.is_taken = true;
  const Reference result(PyObject_CallNoArgs(call));
  self.is_taken = false;
  if (!result) return nullptr;
  Py_RETURN_TRUE;
}

PyObject* is_taken(PyObject* object, PyObject*) {
  return PyBool_FromLong(self_of(object).is_taken);
}

PyObject* is_mine(PyObject* object, PyObject*) {
  const Turn& self = self_of(object);
  return PyBool_FromLong(self.is_taken && self.owner == PyThread_get_thread_ident());
}

PyMethodDef methods[] = {
    {"take", take, METH_O,
     "take($self, call, /)\n--\n\nCall it while no other thread, and nothing else of this one, has "
     "the turn; False where somebody has. Raises what it raises."},
    {"is_taken", is_taken, METH_NOARGS, "is_taken($self, /)\n--\n\nWhether a thread has the turn."},
    {"is_mine", is_mine, METH_NOARGS, "is_mine($self, /)\n--\n\nWhether this thread has it."},
    {nullptr, nullptr, 0, nullptr},
};

PyType_Slot slots[] = {
    {Py_tp_methods, methods},
    {Py_tp_doc, const_cast<char*>("Turn()\n--\n\nWhat one thread at a time has.")},
    {0, nullptr},
};

PyType_Spec spec = {"onecopy._engine.Turn", sizeof(Turn), 0, Py_TPFLAGS_DEFAULT, slots};

}  // namespace

bool add_turn_type(PyObject* module) { return add_type(module, spec); }

}  // namespace onecopy::python
