/// \file
/// Arrays of any number of dimensions: what a NumPy array is in C++, and the way back.
///
///     onecopy::Queue<onecopy::NdView<double>> frames;
///     onecopy::NdView<double> frame = frames.get();  // numpy.ndarray of float64: no copy
///     for (std::size_t i = 0; i < frame.shape()[0]; ++i) frame(i, 0) = 0;
///     frames.put(std::move(frame));                  // no copy either; put(frame): one
///
///     auto made = onecopy::NdView<float, 2>::zeros({rows, columns});  // born in shared memory
///     auto view = onecopy::NdView<const double>::over(data, {rows, columns});  // of one's own
///
/// An NdView<T> takes arrays of that element type, and with NdView<T, 2> only those of two
/// dimensions; anything else is refused with Error::invalid, which names what was wanted and what
/// came. T is bool, an integer, float, double, long double, std::complex of the two, or Float16.
/// NdView<const T> takes arrays that may only be read, too. NdArray is an array of whatever type.
/// Python's arrays in another byte order, of dates, texts or structures are pickles, which no C++
/// program reads (onecopy/opaque.hpp).
///
/// What was received is the receiver's own, as in Python: it lies in the memory that it travelled
/// in, which is given back with the NdView, at the latest when the process ends, however it ends.
/// The sender may be gone by then. An array of less than 4096 bytes lay in the body of its message
/// and is copied into ordinary memory; so is nothing else. What one message has twice is one array
/// for both, as it is one object in Python. After a fork both sides have the array for themselves.
/// What Python made by onecopy.share(), zeros(), empty() or full() stays one memory for everybody
/// and arrives as such: shared() tells.
///
/// put(std::move(view)), and every other call that takes a value to be moved, sends the memory
/// itself where it can: of 4096 bytes or more, received or made by zeros() or for_overwrite() in
/// this process since its last fork, and looked into by nobody else. Else it copies once, as
/// put(view) does. The NdView is empty then; it is unchanged where the call failed.
///
/// One thread at a time may use an NdView that anybody changes; nothing here is shared between
/// processes but what shared() says. Moving and dropping one never fails.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include <onecopy/codec.hpp>
#include <onecopy/encoding.hpp>
#include <onecopy/error.hpp>

namespace [[gnu::visibility("default")]] onecopy {

/// As the rank of an NdView: of any number of dimensions.
inline constexpr std::size_t kAnyRank = static_cast<std::size_t>(-1);

/// A number of half precision, by its bits: C++20 has no type for it.
struct Float16 {
  std::uint16_t bits = 0;  ///< sign, five bits of exponent, ten of fraction

  /// The same number; no bit is lost.
  explicit operator float() const noexcept;
  bool operator==(const Float16&) const = default;  ///< by the bits
};

/// An array of Ts; defined below.
template <class T, std::size_t Rank = kAnyRank>
class NdView;

/// How far an array goes in each dimension: {rows, columns}, or a run of numbers. Only looks at
/// them: to be made where it is passed.
class NdShape {
 public:
  /// Looks at a list that is written down in the call.
  NdShape(std::initializer_list<std::size_t> extents) noexcept
      : extents_(extents.begin(), extents.size()) {}
  /// Looks at a run of numbers.
  NdShape(std::span<const std::size_t> extents) noexcept : extents_(extents) {}
  /// Looks at a vector's numbers.
  NdShape(const std::vector<std::size_t>& extents) noexcept : extents_(extents) {}

  /// How far it goes in each dimension.
  std::span<const std::size_t> extents() const noexcept { return extents_; }

 private:
  std::span<const std::size_t> extents_;
};

namespace detail {

template <class T>
concept NdElement = Element<T> || std::is_same_v<T, bool> || std::is_same_v<T, Float16>;

template <NdElement T>
constexpr ElementType nd_element_type() noexcept {
  if constexpr (std::is_same_v<T, Float16>) {
    return ElementType::float16;
  } else {
    return element_type<T>();
  }
}

// What an array is wanted to be.
struct NdWanted {
  ElementType type{};  // 0: any
  std::size_t rank = kAnyRank;
  bool writable = false;
};

}  // namespace detail

/// An array of some element type, which it knows. To look at the elements: view<T>(). The head of
/// nd_view.hpp says who may use one, when its memory is copied, and what a death leaves. Nothing
/// here copies elements.
class NdArray {
 public:
  /// Of nothing: size() is 0, and it cannot be sent.
  NdArray() noexcept = default;
  /// The other is of nothing.
  NdArray(NdArray&& other) noexcept { swap(other); }
  /// Gives its memory back; then as the constructor.
  NdArray& operator=(NdArray&& other) noexcept {
    NdArray taken(std::move(other));
    swap(taken);
    return *this;
  }
  /// Gives its memory back, where nobody else of this process has it.
  ~NdArray() {
    if (held_ != Held::nothing) let_go();
  }
  /// Takes the view's array over, which is of nothing then.
  template <class T, std::size_t Rank>
  explicit NdArray(NdView<T, Rank>&& view) noexcept : NdArray(std::move(view.array_)) {}

  /// What its elements are.
  ElementType element_type() const noexcept { return type_; }
  /// How many bytes an element has.
  std::size_t element_size() const noexcept;
  /// How many dimensions it has.
  std::size_t rank() const noexcept { return rank_; }
  /// How far it goes in each of them.
  std::span<const std::size_t> shape() const noexcept { return {axes_.data(), rank_}; }
  /// From one element to the next along each dimension, in elements, not in bytes as NumPy has it.
  std::span<const std::ptrdiff_t> strides() const noexcept {
    // The same words read as signed ones.
    return {reinterpret_cast<const std::ptrdiff_t*>(axes_.data()) + rank_, rank_};
  }
  /// How many elements.
  std::size_t size() const noexcept { return size_; }
  /// Whether they lie side by side in C order: the last index runs fastest.
  bool contiguous() const noexcept;
  /// Whether it may be written; not where the sender's could not be, or where it looks at
  /// constants.
  bool writable() const noexcept { return !read_only_ && !constant_; }
  /// Whether it is one memory for all who have it.
  bool shared() const noexcept { return held_ == Held::shared; }
  /// Where the element is whose indices are all 0.
  const void* data() const noexcept { return data_; }

  /// This array as one of Ts, which looks at it and is not to outlive it. Throws Exception
  /// (Error::invalid) where it is of another type or rank.
  template <class T, std::size_t Rank = kAnyRank>
  NdView<T, Rank> view() {
    return NdView<T, Rank>(borrowed(false));
  }
  /// The same, to be read only.
  template <class T, std::size_t Rank = kAnyRank>
  NdView<const T, Rank> view() const {
    return NdView<const T, Rank>(borrowed(true));
  }

 private:
  friend Encoder;
  friend Decoder;
  template <class T, std::size_t Rank>
  friend class NdView;

  // Whose the memory is.
  enum class Held : std::uint8_t {
    nothing,
    heap,      // this array's
    block,     // this process's, one view of it this array's
    given,     // in a message that is being put
    shared,    // everybody's, one handle of it this array's
    borrowed,  // somebody else's, who keeps it
  };

  static Result<NdArray> create(ElementType type, std::span<const std::size_t> shape, bool zeros);
  // `strides` may be empty: C order then.
  static Result<NdArray> over(ElementType type, const void* data, bool constant,
                              std::span<const std::size_t> shape,
                              std::span<const std::ptrdiff_t> strides);
  NdArray borrowed(bool constant) const;
  // Error::invalid, and what was wanted, where it is something else.
  Result<void> check(const detail::NdWanted& wanted) const;
  // How many elements the one with these indices is from the first; throws Exception
  // (Error::invalid) where there is none.
  std::ptrdiff_t offset_of(std::initializer_list<std::size_t> indices) const;
  void require_contiguous() const;

  // Sets type, shape and strides (in C order where there are none). Error::invalid where nothing
  // could be as large.
  Result<void> lay_out(ElementType type, std::span<const std::size_t> shape,
                       std::span<const std::ptrdiff_t> strides);
  bool fortran_order() const noexcept;
  void let_go() noexcept;
  void swap(NdArray& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(axes_, other.axes_);
    std::swap(block_, other.block_);
    std::swap(time_, other.time_);
    std::swap(rank_, other.rank_);
    std::swap(type_, other.type_);
    std::swap(held_, other.held_);
    std::swap(read_only_, other.read_only_);
    std::swap(constant_, other.constant_);
  }

  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
  std::vector<std::size_t> axes_;  // the extents, then the strides
  std::uint32_t block_ = 0;        // block, given, shared: which
  std::uint32_t time_ = 0;         // shared: which use of it
  std::uint8_t rank_ = 0;
  ElementType type_{};
  Held held_ = Held::nothing;
  bool read_only_ = false;  // travels with it
  bool constant_ = false;   // what it looks at is constant here
};

/// An array whose element type, and perhaps rank, are known when the program is compiled. The head
/// of nd_view.hpp says who may use one, when its memory is copied, and what a death leaves.
template <class T, std::size_t Rank>
class NdView {
  using Value = std::remove_const_t<T>;
  static_assert(detail::NdElement<Value>,
                "the elements of an NdView are bool, integers, floating-point or complex numbers, "
                "or onecopy::Float16");

 public:
  /// Of an element, const where it may only be read.
  using element_type = T;
  /// Of an element, without const.
  using value_type = Value;

  /// Of nothing: size() is 0, and it cannot be sent.
  NdView() noexcept = default;
  /// The other is of nothing.
  NdView(NdView&&) noexcept = default;
  /// Gives its memory back; then as the constructor.
  NdView& operator=(NdView&&) noexcept = default;

  /// Takes the array over, where it is such a one. Throws Exception (Error::invalid).
  explicit NdView(NdArray&& array) : NdView(of(std::move(array)).value_or_throw()) {}
  /// The same, with the failure as a value; the array is unchanged then.
  static Result<NdView> of(NdArray&& array) {
    if (Result<void> fits = array.check(wanted()); !fits) return std::move(fits).failure();
    NdView view;
    view.array_ = std::move(array);
    return view;
  }

  /// A new one of zeros, in shared memory from 4096 bytes on, where what was in use is cleared.
  /// Throws Exception (Error::no_memory).
  static NdView zeros(const NdShape& shape) { return create(shape).value_or_throw(); }
  /// The same, with undefined content: no element is touched.
  static NdView for_overwrite(const NdShape& shape) {
    return create_for_overwrite(shape).value_or_throw();
  }
  /// As zeros(), with the failure as a value.
  static Result<NdView> create(const NdShape& shape) {
    return made(NdArray::create(wanted().type, shape.extents(), true));
  }
  /// As for_overwrite(), with the failure as a value.
  static Result<NdView> create_for_overwrite(const NdShape& shape) {
    return made(NdArray::create(wanted().type, shape.extents(), false));
  }
  /// One that looks at memory that the caller keeps: to send it as an array, in one copy. Strides
  /// are in elements; without them the elements lie in C order. Throws Exception (Error::invalid)
  /// where nothing can have that shape.
  static NdView over(T* data, const NdShape& shape,
                     std::initializer_list<std::ptrdiff_t> strides = {}) {
    return made(NdArray::over(wanted().type, data, std::is_const_v<T>, shape.extents(),
                              {strides.begin(), strides.size()}))
        .value_or_throw();
  }

  /// Where the element is whose indices are all 0.
  T* data() noexcept { return reinterpret_cast<T*>(array_.data_); }
  /// The same, to be read only.
  const T* data() const noexcept { return static_cast<const T*>(array_.data()); }
  /// How many dimensions it has.
  std::size_t rank() const noexcept { return array_.rank(); }
  /// How far it goes in each of them.
  std::span<const std::size_t> shape() const noexcept { return array_.shape(); }
  /// From one element to the next along each dimension, in elements, not in bytes as NumPy has it.
  std::span<const std::ptrdiff_t> strides() const noexcept { return array_.strides(); }
  /// How many elements.
  std::size_t size() const noexcept { return array_.size(); }
  /// Whether they lie side by side in C order: the last index runs fastest.
  bool contiguous() const noexcept { return array_.contiguous(); }
  /// Whether it may be written; not where the sender's could not be, or where it looks at
  /// constants.
  bool writable() const noexcept { return array_.writable(); }
  /// Whether it is one memory for all who have it.
  bool shared() const noexcept { return array_.shared(); }

  /// All elements in C order. Throws Exception (Error::invalid) where they do not lie so.
  std::span<T> span() {
    array_.require_contiguous();
    return {data(), size()};
  }
  /// The same, to be read only.
  std::span<const T> span() const {
    array_.require_contiguous();
    return {data(), size()};
  }

  /// An element by its indices, as many as there are dimensions. Nothing is checked.
  template <std::integral... Index>
  T& operator()(Index... indices) noexcept {
    return data()[offset(indices...)];
  }
  /// The same, to be read only.
  template <std::integral... Index>
  const T& operator()(Index... indices) const noexcept {
    return data()[offset(indices...)];
  }
  /// The same, checked. Throws Exception (Error::invalid).
  template <std::integral... Index>
  T& at(Index... indices) {
    return data()[array_.offset_of({static_cast<std::size_t>(indices)...})];
  }
  /// The same, to be read only.
  template <std::integral... Index>
  const T& at(Index... indices) const {
    return data()[array_.offset_of({static_cast<std::size_t>(indices)...})];
  }

 private:
  friend NdArray;
  friend Codec<NdView>;

  static constexpr detail::NdWanted wanted() noexcept {
    return {detail::nd_element_type<Value>(), Rank, !std::is_const_v<T>};
  }
  static Result<NdView> made(Result<NdArray> array) {
    if (!array) return std::move(array).failure();
    return of(std::move(*array));
  }
  template <class... Index>
  std::ptrdiff_t offset(Index... indices) const noexcept {
    static_assert(Rank == kAnyRank || Rank == sizeof...(Index), "an index for each dimension");
    const std::ptrdiff_t* stride = array_.strides().data();
    std::ptrdiff_t offset = 0;
    ((offset += static_cast<std::ptrdiff_t>(indices) * *stride++), ...);
    return offset;
  }

  NdArray array_;
};

template <>
struct Codec<NdArray> {
  static void write(Encoder& to, const NdArray& array) { to.nd_array(array); }
  static void give(Encoder& to, NdArray& array) { to.give(array); }
  static void read(Decoder& from, NdArray& array) { from.nd_array({}, array); }
};

template <class T, std::size_t Rank>
struct Codec<NdView<T, Rank>> {
  static void write(Encoder& to, const NdView<T, Rank>& view) { to.nd_array(view.array_); }
  static void give(Encoder& to, NdView<T, Rank>& view) { to.give(view.array_); }
  static void read(Decoder& from, NdView<T, Rank>& view) {
    from.nd_array(NdView<T, Rank>::wanted(), view.array_);
  }
};

}  // namespace onecopy
