#include "temporary.hpp"

namespace onecopy::python {

#if PY_VERSION_HEX >= 0x030E0000

bool is_temporary(PyObject*, PyObject* const* place) {
  return PyUnstable_Object_IsUniqueReferencedTemporary(*place) != 0;
}

bool is_only_owner(PyObject* object) { return PyUnstable_Object_IsUniquelyReferenced(object) != 0; }

#elif PY_VERSION_HEX >= 0x030B0000

namespace {

// Frames of functions lie in chunks of the thread's data stack, the running one in the newest.
// (A generator's frame lies in the generator; what is put from there is copied.) Two slots below
// the place must be in the chunk too.
bool is_on_value_stack(PyObject* const* place) {
  const _PyStackChunk* chunk = PyThreadState_Get()->datastack_chunk;
  if (chunk == nullptr) return false;
  const auto* end = reinterpret_cast<const std::byte*>(chunk) + chunk->size;
  return place >= chunk->data + 2 && place < reinterpret_cast<PyObject* const*>(end);
}

bool is_method_of(PyObject* callable, PyObject* self) {
  return callable != nullptr && PyCFunction_Check(callable) &&
         PyCFunction_GET_SELF(callable) == self;
}

// Whether the frame itself pushed the argument. A partial or a bound method may borrow the slot
// below the first argument for one that it adds; then what lies below is not what a call of ours
// has there: `self` (queue.put(x)), or the bound method and a null (put = queue.put; put(x)).
bool is_pushed_by_frame(PyObject* self, PyObject* const* place) {
  if (place[-1] == self) return true;
#if PY_VERSION_HEX >= 0x030D0000
  return place[-1] == nullptr && is_method_of(place[-2], self);
#else
  return place[-2] == nullptr && is_method_of(place[-1], self);
#endif
}

}  // namespace

bool is_temporary(PyObject* self, PyObject* const* place) {
  return Py_REFCNT(*place) == 1 && is_on_value_stack(place) && is_pushed_by_frame(self, place);
}

#else

// Here the slot below the arguments may be anything's: nothing tells who pushed them.
bool is_temporary(PyObject*, PyObject* const*) { return false; }

#endif

#if PY_VERSION_HEX < 0x030E0000

// The one reference is the caller's: nobody borrows from it.
bool is_only_owner(PyObject* object) { return Py_REFCNT(object) == 1; }

#endif

}  // namespace onecopy::python
