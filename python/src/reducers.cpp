#include "reducers.hpp"

#include "dict_changes.hpp"
#include "numpy_api.hpp"

namespace onecopy::python {
namespace {

// Where reducers are registered; the dictionaries live as long as their modules.
struct Registries {
  PyObject* copyreg = nullptr;        // copyreg.dispatch_table
  PyObject* extra = nullptr;          // ForkingPickler._extra_reducers
  PyObject* context = nullptr;        // names of multiprocessing.context
  PyObject* reduction = nullptr;      // names of the stock multiprocessing.reduction
  PyObject* stock_pickler = nullptr;  // ForkingPickler
  PyObject* reduction_name = nullptr;
  PyObject* pickler_name = nullptr;
  DictChanges changes;
};

// Never destroyed: arrays are sent while the interpreter shuts down.
Registries* found = nullptr;

PyObject* names_of(const char* module) {
  const Reference imported(PyImport_ImportModule(module));
  return imported ? PyObject_GetAttrString(imported.get(), "__dict__") : nullptr;
}

bool is_found(Registries& all) {
  all.copyreg = import_name("copyreg", "dispatch_table");
  if (all.copyreg == nullptr) return false;
  all.stock_pickler = import_name("multiprocessing.reduction", "ForkingPickler");
  if (all.stock_pickler == nullptr) return false;
  all.extra = PyObject_GetAttrString(all.stock_pickler, "_extra_reducers");
  if (all.extra == nullptr) return false;
  all.context = names_of("multiprocessing.context");
  if (all.context == nullptr) return false;
  all.reduction = names_of("multiprocessing.reduction");
  if (all.reduction == nullptr) return false;
  all.reduction_name = PyUnicode_InternFromString("reduction");
  all.pickler_name = PyUnicode_InternFromString("ForkingPickler");
  if (all.reduction_name == nullptr || all.pickler_name == nullptr) return false;
  return all.changes.watch(all.copyreg) && all.changes.watch(all.extra) &&
         all.changes.watch(all.context) && all.changes.watch(all.reduction);
}

Registries* registries() {
  if (found != nullptr) return found;
  auto* all = new Registries;
  if (is_found(*all)) return found = all;
  delete all;
  return nullptr;
}

// Whether `multiprocessing.context.reduction.ForkingPickler` is no longer the stock one. A program
// may put a module of its own there, which is not watched: any but the stock one counts as such.
bool has_own_pickler(const Registries& all) {
  PyObject* reduction = PyDict_GetItemWithError(all.context, all.reduction_name);
  if (reduction == nullptr || !PyModule_Check(reduction)) return true;
  if (PyModule_GetDict(reduction) != all.reduction) return true;
  return PyDict_GetItemWithError(all.reduction, all.pickler_name) != all.stock_pickler;
}

}  // namespace

int arrays_have_reducer() {
  static int answer = -1;
  Registries* all = registries();
  if (all == nullptr) return -1;
  if (!all->changes.any() && answer >= 0) return answer;
  auto* type = reinterpret_cast<PyObject*>(numpy::array_type());
  answer = static_cast<int>(PyDict_GetItemWithError(all->copyreg, type) != nullptr ||
                            PyDict_GetItemWithError(all->extra, type) != nullptr ||
                            has_own_pickler(*all));
  if (PyErr_Occurred() != nullptr) answer = -1;
  return answer;
}

}  // namespace onecopy::python
