// Withdrawals: what is to be undone where a message is never delivered.
//
// Pickling may set up something outside of the message that its receiver will ask for, such as a
// descriptor in the hands of a thread. Each such thing leaves a function here; they are called when
// the message comes to nothing: its pickling failed, nobody had room for it, it was dropped.
#pragma once

#include <vector>

#include "python.hpp"

namespace onecopy::python {

class Withdrawals {
 public:
  Withdrawals() = default;
  ~Withdrawals() { call(); }
  Withdrawals(Withdrawals&&) noexcept = default;
  Withdrawals& operator=(Withdrawals&&) = delete;
  Withdrawals(const Withdrawals&) = delete;
  Withdrawals& operator=(const Withdrawals&) = delete;

  // A function without arguments. May throw std::bad_alloc.
  void add(PyObject* function) { functions_.push_back(Reference::to(function)); }
  // What `other` has as well, which has nothing left. May throw std::bad_alloc.
  void take(Withdrawals& other);

  bool empty() const noexcept { return functions_.empty(); }

  // The message belongs to who gets it: nothing is undone any more.
  void strike_out() noexcept { functions_.clear(); }
  // Runs any code. What it raises is printed as that of a destructor is; an exception that is set
  // stays set.
  void call() noexcept;

 private:
  std::vector<Reference> functions_;
};

}  // namespace onecopy::python
