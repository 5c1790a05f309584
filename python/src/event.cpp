#include "event.hpp"

#include <optional>

#include "arguments.hpp"
#include "sync/event.hpp"
#include "synchronizer.hpp"
#include "waiting.hpp"

namespace onecopy::python {
namespace {

struct Event {
  PyObject_HEAD std::optional<sync::Event> engine;
};

using Handle = Synchronizer<Event>;

PyObject* is_set(PyObject* object, PyObject*) {
  Event* self = Handle::made(object);
  return self == nullptr ? nullptr : PyBool_FromLong(self->engine->is_set());
}

PyObject* set(PyObject* object, PyObject*) {
  Event* self = Handle::made(object);
  if (self == nullptr) return nullptr;
  self->engine->set();
  Py_RETURN_NONE;
}

PyObject* clear(PyObject* object, PyObject*) {
  Event* self = Handle::made(object);
  if (self == nullptr) return nullptr;
  self->engine->clear();
  Py_RETURN_NONE;
}

PyObject* wait(PyObject* object, PyObject* const* given, Py_ssize_t count, PyObject* keywords) {
  static constexpr Signature kSignature{"wait", 0, {"timeout"}};
  Arguments arguments;
  if (!parse(kSignature, given, count, keywords, arguments)) return nullptr;
  Event* self = Handle::made(object);
  if (self == nullptr) return nullptr;
  const std::uint32_t since = self->engine->since();
  // Before the time-out is looked at, as under stock.
  if (self->engine->is_set()) Py_RETURN_TRUE;
  os::Deadline deadline = os::Deadline::never();
  if (!parse_timeout(arguments[0], deadline)) return nullptr;
  sync::Slices slices(deadline);
  sync::Waited waited = sync::Waited::again;
  const auto round = [&] {
    waited = self->engine->wait(since, slices);
    return waited != sync::Waited::again;
  };
  if (!block_until(round, [] { return true; })) return nullptr;
  return PyBool_FromLong(waited == sync::Waited::done);
}

int initialise(PyObject* self, PyObject* arguments, PyObject* keywords) {
  static const char* const kNames[] = {nullptr};
  if (PyArg_ParseTupleAndKeywords(arguments, keywords, ":Event", const_cast<char**>(kNames)) == 0) {
    return -1;
  }
  return Handle::set_up(self, sync::Event::create()) ? 0 : -1;
}

PyObject* open(PyObject* self, PyObject* arguments) {
  memory::SharedName name;
  if (PyArg_ParseTuple(arguments, "II:_open", &name.block, &name.time) == 0) return nullptr;
  return Handle::open(self, sync::Event::open(name));
}

PyObject* validate(PyObject* object, PyObject*) {
  Event* self = Handle::made(object);
  return self == nullptr ? nullptr : PyUnicode_FromString(self->engine->validate().c_str());
}

PyMethodDef methods[] = {
    {"is_set", is_set, METH_NOARGS, "is_set($self, /)\n--\n\nWhether the event is set."},
    {"set", set, METH_NOARGS, "set($self, /)\n--\n\nSet it: who waits goes on."},
    {"clear", clear, METH_NOARGS, "clear($self, /)\n--\n\nClear it: who comes waits."},
    {"wait", as_method(wait), METH_FASTCALL | METH_KEYWORDS,
     "wait($self, /, timeout=None)\n--\n\nWait until it is set; False when it is not within "
     "`timeout` seconds (None: as long as it takes)."},
    {"_validate", validate, METH_NOARGS, nullptr},
    {"_name", Handle::name_of, METH_NOARGS, nullptr},
    {"_hold_for", Handle::hold_for, METH_O, nullptr},
    {"_open", open, METH_VARARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

PyType_Slot slots[] = {
    {Py_tp_new, reinterpret_cast<void*>(Handle::allocate)},
    {Py_tp_init, reinterpret_cast<void*>(initialise)},
    {Py_tp_dealloc, reinterpret_cast<void*>(Handle::deallocate)},
    {Py_tp_methods, methods},
    {Py_tp_doc, const_cast<char*>("Event()\n--\n\nA flag between processes.")},
    {0, nullptr},
};

PyType_Spec spec = {"onecopy._engine.Event", sizeof(Event), 0,
                    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, slots};

}  // namespace

bool add_event_type(PyObject* module) { return add_type(module, spec); }

}  // namespace onecopy::python
