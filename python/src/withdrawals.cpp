#include "withdrawals.hpp"

#include <iterator>
#include <utility>

namespace onecopy::python {

void Withdrawals::take(Withdrawals& other) {
  functions_.insert(functions_.end(), std::make_move_iterator(other.functions_.begin()),
                    std::make_move_iterator(other.functions_.end()));
  other.functions_.clear();
}

void Withdrawals::call() noexcept {
  if (functions_.empty()) return;
  PyObject* type;
  PyObject* value;
  PyObject* traceback;
  PyErr_Fetch(&type, &value, &traceback);
  for (const Reference& function : std::exchange(functions_, {})) {
    const Reference done(PyObject_CallNoArgs(function.get()));
    if (!done) PyErr_WriteUnraisable(function.get());
  }
  PyErr_Restore(type, value, traceback);
}

}  // namespace onecopy::python
