// The arrays of include/onecopy/array.hpp.
#include <onecopy/array.hpp>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <limits>
#include <mutex>
#include <string>

#include "sync/elements_state.hpp"

namespace onecopy::detail {
namespace {

// One load or store where the machine has one of that size. False: it has none.
template <class Unsigned>
bool move_as(std::byte* shared, void* element, bool writes) noexcept {
  std::atomic_ref<Unsigned> word(*reinterpret_cast<Unsigned*>(shared));
  Unsigned bits{};
  if (writes) {
    std::memcpy(&bits, element, sizeof bits);
    word.store(bits, std::memory_order_relaxed);  // gate and lock order it
  } else {
    bits = word.load(std::memory_order_relaxed);
    std::memcpy(element, &bits, sizeof bits);
  }
  return true;
}

bool move_whole(std::byte* shared, void* element, std::size_t bytes, bool writes) noexcept {
  switch (bytes) {
    case 1:
      return move_as<std::uint8_t>(shared, element, writes);
    case 2:
      return move_as<std::uint16_t>(shared, element, writes);
    case 4:
      return move_as<std::uint32_t>(shared, element, writes);
    case 8:
      return move_as<std::uint64_t>(shared, element, writes);
    default:
      return false;
  }
}

void move_under_lock(std::byte* shared, void* element, std::size_t bytes, bool writes) noexcept {
  if (!move_whole(shared, element, bytes, writes)) {
    std::memcpy(writes ? static_cast<void*>(shared) : element, writes ? element : shared, bytes);
  }
}

bool has_word(std::size_t bytes) noexcept {
  return bytes == 1 || bytes == 2 || bytes == 4 || bytes == 8;
}

}  // namespace

void SharedElements::State::move(std::size_t index, void* element, bool writes) {
  if (index >= count) {
    throw Exception(
        {Error::invalid, 0,
         "index " + std::to_string(index) + " is not below the size, " + std::to_string(count)});
  }
  std::byte* const shared = data() + index * element_bytes;
  const LockHandle::State& held = lock.state();
  if (held.is_held_again()) return move_under_lock(shared, element, element_bytes, writes);
  if (has_word(element_bytes)) {
    if (sync::Announcement* const own = held.lock.begin_touch()) {
      move_whole(shared, element, element_bytes, writes);
      return sync::end_touch(own);
    }
  }
  const std::scoped_lock guard(lock);
  move_under_lock(shared, element, element_bytes, writes);
}

Result<UniquePointer<SharedElements::State>> SharedElements::State::open(
    memory::SharedName lock, memory::SharedName elements, std::size_t count,
    std::size_t element_bytes) {
  auto opened = sync::Lock::open(lock);
  if (!opened) return std::move(opened).failure();
  if (auto held = memory::hold_shared(elements); !held) return std::move(held).failure();
  return UniquePointer<State>(
      new State{Handle(elements), count, element_bytes,
                RLock(make_unique_pointer<LockHandle::State>(std::move(*opened), true))});
}

Result<SharedElements> SharedElements::create(std::size_t count, std::size_t element_bytes) {
  if (count > std::numeric_limits<std::size_t>::max() / element_bytes) {
    return Failure{Error::no_memory, 0,
                   std::to_string(count) + " elements are more than there are addresses for"};
  }
  auto lock = RLock::create();
  if (!lock) return std::move(lock).failure();
  auto name = memory::make_shared_block(std::max<std::size_t>(count * element_bytes, 1),
                                        memory::Purpose::elements);
  if (!name) return std::move(name).failure();
  lock->state().lock.open_gate();
  return SharedElements(UniquePointer<State>(
      new State{State::Handle(*name), count, element_bytes, std::move(*lock)}));
}

SharedElements::SharedElements(UniquePointer<State> state) noexcept : state_(std::move(state)) {}
SharedElements::SharedElements(SharedElements&&) noexcept = default;
SharedElements& SharedElements::operator=(SharedElements&&) noexcept = default;
SharedElements::~SharedElements() = default;

void SharedElements::read(std::size_t index, void* element) const {
  state_->move(index, element, false);
}

void SharedElements::write(std::size_t index, const void* element) {
  state_->move(index, const_cast<void*>(element), true);
}

std::size_t SharedElements::size() const noexcept { return state_->count; }
void* SharedElements::data() const noexcept { return state_->data(); }
RLock& SharedElements::lock() const noexcept { return state_->lock; }

}  // namespace onecopy::detail
