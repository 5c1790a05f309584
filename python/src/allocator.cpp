#include "allocator.hpp"

#include <algorithm>
#include <cstring>
#include <limits>
#include <new>
#include <unordered_map>

#include "numpy_api.hpp"
#include "numpy_include.hpp"

namespace onecopy::python {
namespace {

// Smaller arrays are copied faster than a block of their own is set up.
constexpr std::size_t kSmallestArray = 256 * 1024;
// Up to here the pages of a new block are made ready at once; beyond, as they are touched.
constexpr std::size_t kMostPrepared = std::size_t{64} << 20;

// Blocks that hold the data of arrays, by address. Kept here and not asked of the arena, because
// after a fork a block is no longer this process's alone and must be freed all the same. Never
// destroyed: arrays outlive the module.
using Data = std::unordered_map<const void*, memory::BlockIndex>;
Data& data_blocks() {
  static Data& blocks = *new Data;
  return blocks;
}

PyDataMemAllocator& system_allocator() {
  static PyDataMemAllocator allocator{};
  return allocator;
}

bool is_page_aligned(const void* data) noexcept {
  return reinterpret_cast<std::uintptr_t>(data) % 4096 == 0;
}

void* allocate_in_arena(std::size_t size) noexcept {
  const auto block = memory::allocate_block(size);
  if (!block) return nullptr;
  std::byte* data = memory::block_data(*block);
  try {
    data_blocks().emplace(data, *block);
  } catch (const std::bad_alloc&) {
    memory::release_block(*block);
    return nullptr;
  }
  if (size <= kMostPrepared) memory::prepare_block(*block);
  memory::retain_view(*block);
  return data;
}

void* allocate(void*, std::size_t size) {
  if (size >= kSmallestArray) {
    if (void* data = allocate_in_arena(size)) return data;
  }
  const PyDataMemAllocator& system = system_allocator();
  return system.malloc(system.ctx, size);
}

void* allocate_zeros(void*, std::size_t count, std::size_t size) {
  const PyDataMemAllocator& system = system_allocator();
  return system.calloc(system.ctx, count, size);
}

void free_data(void*, void* data, std::size_t size) {
  const memory::BlockIndex block = block_of_data(data);
  if (block == memory::kNoBlock) {
    const PyDataMemAllocator& system = system_allocator();
    system.free(system.ctx, data, size);
    return;
  }
  data_blocks().erase(data);
  memory::release_view(block);
}

void* reallocate(void*, void* data, std::size_t size) {
  const memory::BlockIndex block = block_of_data(data);
  if (block == memory::kNoBlock) {
    const PyDataMemAllocator& system = system_allocator();
    return system.realloc(system.ctx, data, size);
  }
  const std::size_t old_size = memory::block_length(block);
  // A block that a fork made common keeps its length: the other side looks into it too.
  if (size <= memory::block_capacity(block) && memory::block_at(data) == block) {
    memory::set_block_length(block, size);
    return data;
  }
  void* moved = allocate(nullptr, size);
  if (moved == nullptr) return nullptr;
  std::memcpy(moved, data, std::min(size, old_size));
  free_data(nullptr, data, old_size);
  return moved;
}

PyDataMem_Handler handler = {
    "onecopy_arena", 1, {nullptr, allocate, allocate_zeros, reallocate, free_data}};

// NumPy's own handler, which serves all that is not large.
bool find_system_allocator() {
  auto* found = static_cast<PyDataMem_Handler*>(
      PyCapsule_GetPointer(PyDataMem_DefaultHandler, "mem_handler"));
  if (found == nullptr) return false;
  system_allocator() = found->allocator;
  return true;
}

bool install() {
  // The capsule is never given up: arrays that name it are freed at the very end.
  static PyObject* const capsule = PyCapsule_New(&handler, "mem_handler", nullptr);
  if (capsule == nullptr || !find_system_allocator()) return false;
  const Reference previous(PyDataMem_SetHandler(capsule));
  return static_cast<bool>(previous);
}

}  // namespace

bool allocator_wanted = false;

bool install_allocator() {
  if (!numpy::load() || !install()) {
    // RuntimeError is what NumPy's header raises for a NumPy that is too old for it.
    const bool is_missing = PyErr_ExceptionMatches(PyExc_ImportError) != 0 ||
                            PyErr_ExceptionMatches(PyExc_RuntimeError) != 0;
    if (!is_missing) throw nb::python_error();
    PyErr_Clear();
    return false;
  }
  return true;
}

void want_allocator() {
  allocator_wanted = true;
  install_wanted_allocator_now();
}

void install_wanted_allocator_now() {
  if (!numpy::is_imported()) return;
  allocator_wanted = false;
  // Without it arrays are ordinary ones, and nothing is lost but time.
  if (!numpy::load() || !install()) PyErr_Clear();
}

memory::BlockIndex block_of_data(const void* data) noexcept {
  if (!is_page_aligned(data)) return memory::kNoBlock;
  const Data& blocks = data_blocks();
  const auto found = blocks.find(data);
  return found == blocks.end() ? memory::kNoBlock : found->second;
}

void forget_data(const void* data) noexcept { data_blocks().erase(data); }

}  // namespace onecopy::python
