// The blocks of one message under way: first planned, while the object is walked and the GIL is
// never let go, so that the object cannot change under the walk; then loaded, large copies in
// pieces without the GIL, between which a signal handler may end the whole.
//
// Until the message is delivered every block is this object's, and released with it; so is what its
// pickling has set up.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "memory/block.hpp"
#include "memory/reference.hpp"
#include "message/strided.hpp"
#include "numpy_api.hpp"
#include "python.hpp"
#include "withdrawals.hpp"

namespace onecopy::python {

class Cargo {
 public:
  Cargo() = default;
  ~Cargo() { clear(); }
  Cargo(const Cargo&) = delete;
  Cargo& operator=(const Cargo&) = delete;

  // Each plan answers the number by which the body names the block. They may throw std::bad_alloc.
  // `keeper` is what keeps the data in place until they are copied.
  std::uint32_t plan_copy(PyObject* keeper, const void* data, std::size_t bytes);
  std::uint32_t plan_gather(PyObject* keeper, const numpy::Layout& layout);
  std::uint32_t plan_gift(PyObject* array, const numpy::Gift& gift, const numpy::Layout& layout);
  // A reference to a shared block, on which `keeper` has a handle.
  std::uint32_t plan_reference(PyObject* keeper, memory::SharedName name);
  // A block that is loaded already; taken over.
  std::uint32_t add(memory::BlockIndex block);
  // What is to be undone where the message is not delivered; taken over.
  void add(Withdrawals& withdrawals) { withdrawals_.take(withdrawals); }

  bool has_withdrawals() const noexcept { return !withdrawals_.empty(); }

  // False with an exception set; then nothing is left but to clear().
  bool load();

  std::span<const memory::BlockIndex> blocks() const noexcept { return blocks_; }
  std::size_t size() const noexcept { return plans_.size(); }

  // The channel has taken the message.
  void delivered() noexcept;
  void clear() noexcept;

 private:
  struct Plan {
    Reference keeper;
    const std::byte* data = nullptr;  // null: loaded already
    std::size_t bytes = 0;
    std::unique_ptr<message::StridedReader> strided;
    std::size_t item_size = 1;
    memory::BlockIndex gift = memory::kNoBlock;
    memory::SharedName shared;
    std::uint64_t offset = 0;  // of the data in their block
  };

  std::uint32_t plan(Plan plan);
  static void accept(const Plan& plan, memory::BlockIndex& block);
  static bool load(const Plan& plan, memory::BlockIndex& block);
  static bool copy(const Plan& plan, memory::BlockIndex block);
  static bool gather(const Plan& plan, memory::BlockIndex block);

  std::vector<Plan> plans_;
  std::vector<memory::BlockIndex> blocks_;  // as many as plans; kNoBlock: not loaded yet
  Withdrawals withdrawals_;
};

}  // namespace onecopy::python
