// Where the code of this process lies: of its program and of the libraries it has loaded.
//
// A child that is forked has the same code at the same addresses, so the address of a function
// means the same to both, unless the library came later. Any thread may call these; nothing is
// shared.
#pragma once

#include <cstdint>
#include <vector>

namespace onecopy::os {

class LoadedCode {
 public:
  // What is loaded now. Later changes do not show.
  static LoadedCode take();
  // Whether `address` lies in it.
  bool has(const void* address) const noexcept;

 private:
  struct Range {
    std::uintptr_t begin;
    std::uintptr_t end;
  };
  std::vector<Range> ranges_;
};

}  // namespace onecopy::os
