// What the types of the engine's synchronizers have in common: an object with a handle on one,
// which another process opens by its name.
#pragma once

#include <new>
#include <optional>

#include "errors.hpp"
#include "memory/family.hpp"
#include "memory/shared.hpp"
#include "python.hpp"

namespace onecopy::python {

// `Object` begins as every Python object does, and has an std::optional `engine`: nothing only
// before __init__. All else in it is zero at first, and needs no destructor.
template <class Object>
struct Synchronizer {
  static Object& self_of(PyObject* object) noexcept { return *reinterpret_cast<Object*>(object); }

  // Null with an exception set where there is none, or this process has no name in the family.
  static Object* made(PyObject* object) {
    Object& self = self_of(object);
    if (self.engine && memory::in_family()) return &self;
    if (!self.engine) {
      PyErr_SetString(PyExc_ValueError, "it was never made");
    } else if (auto joined = memory::join_family(); !joined) {
      raise(joined.failure());
    }
    return nullptr;
  }

  static PyObject* name_of(PyObject* object, PyObject*) {
    Object* self = made(object);
    if (self == nullptr) return nullptr;
    const memory::SharedName name = self->engine->name();
    return Py_BuildValue("(II)", name.block, name.time);
  }

  static PyObject* hold_for(PyObject* object, PyObject* slot) {
    Object* self = made(object);
    if (self == nullptr) return nullptr;
    const unsigned long number = PyLong_AsUnsignedLong(slot);
    if (PyErr_Occurred() != nullptr) return nullptr;
    memory::hold_shared_for(self->engine->name(), static_cast<memory::Slot>(number));
    Py_RETURN_NONE;
  }

  static PyObject* allocate(PyTypeObject* type, PyObject*, PyObject*) {
    PyObject* self = type->tp_alloc(type, 0);
    if (self != nullptr) ::new (&self_of(self).engine) decltype(Object::engine);
    return self;
  }

  template <class Engine>
  static bool set_up(PyObject* self, Result<Engine> engine) {
    if (!engine) {
      raise(engine.failure());
      return false;
    }
    self_of(self).engine.emplace(std::move(*engine));
    return true;
  }

  // Makes an object one for an engine's synchronizer that exists.
  template <class Engine>
  static PyObject* open(PyObject* self, Result<Engine> engine) {
    if (!set_up(self, std::move(engine))) return nullptr;
    Py_RETURN_NONE;
  }

  static void deallocate(PyObject* self) {
    PyTypeObject* type = Py_TYPE(self);
    self_of(self).engine.reset();
    type->tp_free(self);
    Py_DECREF(type);
  }
};

// Adds a type to the module; false with an exception set.
inline bool add_type(PyObject* module, PyType_Spec& spec) {
  const Reference type(PyType_FromSpec(&spec));
  return type && PyModule_AddType(module, reinterpret_cast<PyTypeObject*>(type.get())) == 0;
}

}  // namespace onecopy::python
