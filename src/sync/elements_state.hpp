// What stands behind the arrays of include/onecopy/array.hpp, for the rooms above that give and
// take them by name.
#pragma once

#include <onecopy/array.hpp>

#include <cstddef>

#include "memory/block.hpp"
#include "memory/shared.hpp"
#include "sync/user_lock.hpp"

namespace onecopy::detail {

struct SharedElements::State {
  // A handle on a shared block.
  struct Handle {
    memory::SharedName name;
    explicit Handle(memory::SharedName made) noexcept : name(made) {}
    Handle(const Handle&) = delete;
    Handle& operator=(const Handle&) = delete;
    ~Handle() { memory::let_go_shared(name); }
  };

  Handle memory;
  std::size_t count;
  std::size_t element_bytes;
  RLock lock;

  // Of one that some process still has. Error::closed: none does.
  static Result<UniquePointer<State>> open(memory::SharedName lock, memory::SharedName elements,
                                           std::size_t count, std::size_t element_bytes);

  std::byte* data() const noexcept { return memory::block_data(memory.name.block); }
  void move(std::size_t index, void* element, bool writes);
};

}  // namespace onecopy::detail
