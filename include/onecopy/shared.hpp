/// \file
/// Numbers that are one and the same memory for every process they are sent to.
///
///     onecopy::Shared<double> table(1'000'000);             // zeros; share(values) copies once
///     onecopy::Queue<onecopy::Shared<double>> tables;
///     auto worker = onecopy::Process::start([&] {
///       for (double& number : tables.get().span()) number = compute();
///     });
///     tables.put(table);                                    // a reference, not the numbers
///
/// What a queue, a pipe or a pool copies is the receiver's own; a Shared is not copied: who
/// receives it sees what everybody else writes. It may be made at any time, before or after the
/// processes. Nothing guards it, so whoever writes where others read agrees with them by a lock, an
/// event or a message. (Array<T> of onecopy/array.hpp has a lock of its own, and is there from the
/// fork on.) Python receives it as a NumPy array, and what onecopy.share() made there arrives as a
/// Shared, where it has one dimension, no gaps and may be written; any other as an NdView on the
/// same memory (onecopy/nd_view.hpp).
///
/// A Shared is a handle. One thread at a time may use a handle; any number of threads of any
/// processes may use the memory. It is freed with the last handle and the last message that has it;
/// a process that dies at any instruction lets go of what it had. Sending one costs as much as
/// sending a word; receiving one enters the kernel where its pages are new to the process.
///
/// Making one throws onecopy::Exception, or answers with a Result, where it would not fit
/// (Error::no_memory).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <onecopy/codec.hpp>
#include <onecopy/encoding.hpp>
#include <onecopy/error.hpp>

namespace [[gnu::visibility("default")]] onecopy {

namespace detail {

// A handle on shared memory, or on a part of it.
class SharedMemory {
 public:
  // Zeros; a copy of `source`.
  static Result<SharedMemory> create(std::size_t count, std::size_t element_bytes);
  static Result<SharedMemory> copy(const void* source, std::size_t bytes);

  SharedMemory() noexcept = default;  // of nothing
  SharedMemory(SharedMemory&& other) noexcept { swap(other); }
  SharedMemory& operator=(SharedMemory&& other) noexcept {
    SharedMemory taken(std::move(other));
    swap(taken);
    return *this;
  }
  ~SharedMemory();

  // One more handle, on `bytes` of it. Error::invalid where it has not so many.
  Result<SharedMemory> part(std::size_t offset, std::size_t bytes) const;

  std::byte* data() const noexcept { return data_; }
  std::size_t bytes() const noexcept { return bytes_; }

 private:
  friend class onecopy::Encoder;
  friend class onecopy::Decoder;
  // Takes over a handle of this process.
  SharedMemory(std::uint32_t block, std::uint32_t time, std::byte* data, std::size_t bytes) noexcept
      : data_(data), bytes_(bytes), block_(block), time_(time) {}
  void swap(SharedMemory& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
    std::swap(block_, other.block_);
    std::swap(time_, other.time_);
  }

  std::byte* data_ = nullptr;  // null: a handle on nothing
  std::size_t bytes_ = 0;
  std::uint32_t block_ = 0;  // the name of the memory in the family
  std::uint32_t time_ = 0;
};

}  // namespace detail

/// A handle on so many Ts that are the same memory for all. The head of shared.hpp says who may use
/// it, what a death leaves and what sending one costs.
template <detail::Element T>
class Shared {
 public:
  /// Of no memory: size() is 0, and it cannot be sent.
  Shared() noexcept = default;
  /// So many zeros. Throws Exception.
  explicit Shared(std::size_t size) : Shared(create(size).value_or_throw()) {}
  /// As the constructor, with the failure as a value.
  static Result<Shared> create(std::size_t size) {
    return of(detail::SharedMemory::create(size, sizeof(T)));
  }
  /// As share(), with the failure as a value.
  static Result<Shared> copy(std::span<const T> values) {
    return of(detail::SharedMemory::copy(values.data(), values.size_bytes()));
  }
  /// The other is of no memory.
  Shared(Shared&&) noexcept = default;
  /// Lets go of its memory; then as the constructor.
  Shared& operator=(Shared&&) noexcept = default;

  /// How many numbers.
  std::size_t size() const noexcept { return memory_.bytes() / sizeof(T); }
  /// The numbers themselves, which nothing guards.
  std::span<T> span() noexcept { return {reinterpret_cast<T*>(memory_.data()), size()}; }
  /// The same, to be read only.
  std::span<const T> span() const noexcept {
    return {reinterpret_cast<const T*>(memory_.data()), size()};
  }

  /// One more handle, on `count` of the numbers. Throws Exception (Error::invalid) where there are
  /// not so many.
  Shared part(std::size_t first, std::size_t count) const {
    if (first > size() || count > size() - first) {
      detail::throw_failure({Error::invalid, 0,
                             std::to_string(count) + " numbers from " + std::to_string(first) +
                                 " on are more than the " + std::to_string(size()) +
                                 " that there are"});
    }
    return Shared(memory_.part(first * sizeof(T), count * sizeof(T)).value_or_throw());
  }

 private:
  friend Codec<Shared<T>>;
  explicit Shared(detail::SharedMemory&& memory) noexcept : memory_(std::move(memory)) {}
  static Result<Shared> of(Result<detail::SharedMemory> made) {
    if (!made) return std::move(made).failure();
    return Shared(std::move(*made));
  }

  detail::SharedMemory memory_;
};

/// A new Shared with a copy of the numbers. Throws Exception.
template <detail::Element T>
Shared<T> share(std::span<const T> values) {
  return Shared<T>::copy(values).value_or_throw();
}
/// The same, of a vector's numbers.
template <detail::Element T>
Shared<T> share(const std::vector<T>& values) {
  return share(std::span<const T>(values));
}

template <detail::Element T>
struct Codec<Shared<T>> {
  static void write(Encoder& to, const Shared<T>& shared) {
    to.shared_array(detail::element_type<T>(), shared.memory_, shared.size());
  }
  static void read(Decoder& from, Shared<T>& shared) {
    from.shared_array(detail::element_type<T>(), shared.memory_);
  }
};

}  // namespace onecopy
