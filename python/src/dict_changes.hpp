// Whether any of a few dictionaries has changed since it was last asked: a load or two, where
// looking into each of them would read a dozen lines of memory that are cold after a large array
// was made.
//
// Python 3.12 and later tell of changes through a watcher; before, every dictionary has a version
// that no other dictionary and no other state of it has. One DictChanges a process; under the GIL.
#pragma once

#include <vector>

#include "python.hpp"

namespace onecopy::python {

class DictChanges {
 public:
  // Keeps a reference to the dictionary, and reports it as changed the first time. False, with an
  // exception set, where the interpreter has no watcher left or `dict` is no dictionary.
  bool watch(PyObject* dict);
  // True where one has changed since this was last true.
  bool any() noexcept;

 private:
  struct Watched {
    PyObject* dict;
    std::uint64_t version;
  };
  std::vector<Watched> watched_;
};

}  // namespace onecopy::python
