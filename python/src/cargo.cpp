#include "cargo.hpp"

#include <algorithm>

#include "errors.hpp"
#include "trace/trace.hpp"
#include "waiting.hpp"

namespace onecopy::python {
namespace {

constexpr std::size_t kPiece = std::size_t{32} << 20;
// Strided elements are collected in a piece of the processor's cache first.
constexpr std::size_t kGathered = 64 * 1024;

template <class Fill>
bool fill_piece(std::size_t bytes, const Fill& fill) {
  const Result<void> filled = bytes >= kWorthLettingGo ? without_gil(fill) : fill();
  if (filled) return true;
  raise(filled.failure());
  return false;
}

}  // namespace

std::uint32_t Cargo::plan(Plan plan) {
  blocks_.reserve(blocks_.size() + 1);
  plans_.push_back(std::move(plan));
  blocks_.push_back(memory::kNoBlock);
  return static_cast<std::uint32_t>(plans_.size() - 1);
}

std::uint32_t Cargo::plan_copy(PyObject* keeper, const void* data, std::size_t bytes) {
  Plan copy;
  copy.keeper = Reference::to(keeper);
  copy.data = static_cast<const std::byte*>(data);
  copy.bytes = bytes;
  return plan(std::move(copy));
}

std::uint32_t Cargo::plan_gather(PyObject* keeper, const numpy::Layout& layout) {
  Plan gather;
  gather.keeper = Reference::to(keeper);
  gather.data = layout.data;
  gather.bytes = layout.bytes;
  gather.strided = std::make_unique<message::StridedReader>(layout.data, layout.strides);
  gather.item_size = layout.strides.item_size;
  return plan(std::move(gather));
}

std::uint32_t Cargo::plan_gift(PyObject* array, const numpy::Gift& gift,
                               const numpy::Layout& layout) {
  Plan given;
  given.keeper = Reference::to(array);
  given.data = layout.data;
  given.bytes = layout.bytes;
  given.gift = gift.block;
  given.offset = gift.offset;
  return plan(std::move(given));
}

std::uint32_t Cargo::plan_reference(PyObject* keeper, memory::SharedName name) {
  Plan reference;
  reference.keeper = Reference::to(keeper);
  reference.shared = name;
  return plan(std::move(reference));
}

std::uint32_t Cargo::add(memory::BlockIndex block) {
  const std::uint32_t number = plan({});
  blocks_[number] = block;
  return number;
}

bool Cargo::load() {
  // Gifts first: once the GIL was let go, somebody may have found what was nobody's.
  for (std::size_t i = 0; i < plans_.size(); ++i) {
    if (plans_[i].gift != memory::kNoBlock) accept(plans_[i], blocks_[i]);
  }
  for (std::size_t i = 0; i < plans_.size(); ++i) {
    if (blocks_[i] == memory::kNoBlock && !load(plans_[i], blocks_[i])) return false;
    plans_[i] = {};
  }
  return true;
}

void Cargo::accept(const Plan& plan, memory::BlockIndex& block) {
  // Refused by a block that a fork has made common since: then it is copied.
  if (!numpy::give(plan.keeper.get(), {plan.gift, plan.offset}, plan.bytes)) return;
  block = plan.gift;
  trace::add(trace::Counter::buffers_moved, 1);
  trace::add(trace::Counter::bytes_moved, plan.bytes);
}

bool Cargo::load(const Plan& plan, memory::BlockIndex& block) {
  const bool refers = plan.shared.block != memory::kNoBlock;
  auto allocated = refers ? memory::make_reference(plan.shared)
                          : memory::allocate_block(plan.offset + plan.bytes);
  if (!allocated) {
    raise(allocated.failure());
    return false;
  }
  block = *allocated;
  if (refers) return true;
  const trace::Span span(trace::Counter::copy_time);
  trace::add(trace::Counter::buffers_copied, 1);
  trace::add(trace::Counter::bytes_copied, plan.bytes);
  return plan.strided ? gather(plan, block) : copy(plan, block);
}

bool Cargo::copy(const Plan& plan, memory::BlockIndex block) {
  for (std::size_t done = 0; done < plan.bytes;) {
    const std::size_t piece = std::min(kPiece, plan.bytes - done);
    const auto fill = [&] {
      return memory::fill_block(block, plan.offset + done, plan.data + done, piece);
    };
    if (!fill_piece(piece, fill)) return false;
    done += piece;
    if (done < plan.bytes && PyErr_CheckSignals() != 0) return false;
  }
  return true;
}

bool Cargo::gather(const Plan& plan, memory::BlockIndex block) {
  const std::size_t run = kGathered / plan.item_size * plan.item_size;
  const std::unique_ptr<std::byte[]> run_buffer(new std::byte[run]);
  for (std::size_t done = 0; done < plan.bytes;) {
    const std::size_t piece = std::min(kPiece, plan.bytes - done);
    const std::size_t end = done + piece;
    const auto fill = [&]() -> Result<void> {
      while (done < end) {
        const std::size_t bytes = std::min(run, end - done);
        plan.strided->copy(run_buffer.get(), bytes);
        if (auto filled = memory::fill_block(block, done, run_buffer.get(), bytes); !filled) {
          return filled;
        }
        done += bytes;
      }
      return {};
    };
    if (!fill_piece(piece, fill)) return false;
    if (done < plan.bytes && PyErr_CheckSignals() != 0) return false;
  }
  return true;
}

void Cargo::delivered() noexcept {
  plans_.clear();
  blocks_.clear();
  withdrawals_.strike_out();
}

void Cargo::clear() noexcept {
  for (const memory::BlockIndex block : blocks_) {
    if (block != memory::kNoBlock) memory::release_block(block);
  }
  plans_.clear();
  blocks_.clear();
  withdrawals_.call();
}

}  // namespace onecopy::python
