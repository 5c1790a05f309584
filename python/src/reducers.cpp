#include "reducers.hpp"

#include "dict_changes.hpp"
#include "numpy_api.hpp"

namespace onecopy::python {
namespace {

// Where reducers are registered; the dictionaries live as long as their modules.
struct Registries {
  PyObject* copyreg = nullptr;        // copyreg.dispatch_table
  PyObject* of_complex = nullptr;     // what copyreg itself has for complex numbers
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
  all.of_complex = import_name("copyreg", "pickle_complex");
  if (all.of_complex == nullptr) return false;
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

int look_up(const Registries& all, PyTypeObject* type) {
  auto* key = reinterpret_cast<PyObject*>(type);
  const PyObject* registered = PyDict_GetItemWithError(all.copyreg, key);
  const bool found = (registered != nullptr && registered != all.of_complex) ||
                     PyDict_GetItemWithError(all.extra, key) != nullptr || has_own_pickler(all);
  return PyErr_Occurred() != nullptr ? -1 : static_cast<int>(found);
}

// The answer for one type, good for as long as the registries are as they were.
class Answer {
 public:
  int ask(PyTypeObject* type) {
    Registries* all = registries();
    if (all == nullptr) return -1;
    if (all->changes.any()) ++changes_seen;
    if (answer_ < 0 || changes_seen != changes_at_answer_) {
      changes_at_answer_ = changes_seen;
      answer_ = look_up(*all, type);
    }
    return answer_;
  }

 private:
  static inline std::uint64_t changes_seen = 0;
  int answer_ = -1;
  std::uint64_t changes_at_answer_ = 0;
};

}  // namespace

int arrays_have_reducer() {
  static Answer answer;
  return answer.ask(numpy::array_type());
}

int complex_has_reducer() {
  static Answer answer;
  return answer.ask(&PyComplex_Type);
}

}  // namespace onecopy::python
