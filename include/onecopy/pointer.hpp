/// \file
/// What the handles of this library point with: std::unique_ptr and std::shared_ptr as far as they
/// are used here. `<memory>` takes longer to compile than all headers of this library together.
///
/// One thread at a time may use a pointer. Any number of threads of one process may have
/// SharedPointers to the same object; the last one frees it. Nothing is shared between processes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

namespace [[gnu::visibility("default")]] onecopy {

namespace detail {

// The address of an object whose type may have an operator& of its own.
template <class T>
constexpr T* address_of(T& object) noexcept {
  return __builtin_addressof(object);
}

template <class T>
class UniquePointer {
 public:
  UniquePointer(std::nullptr_t = nullptr) noexcept {}
  explicit UniquePointer(T* object) noexcept : object_(object) {}
  UniquePointer(UniquePointer&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  UniquePointer& operator=(UniquePointer&& other) noexcept {
    UniquePointer taken(std::move(other));
    std::swap(object_, taken.object_);
    return *this;
  }
  ~UniquePointer() {
    static_assert(requires { sizeof(T); }, "the type must be complete where its object is freed");
    delete object_;
  }

  T& operator*() const noexcept { return *object_; }
  T* operator->() const noexcept { return object_; }
  bool operator==(std::nullptr_t) const noexcept { return object_ == nullptr; }
  explicit operator bool() const noexcept { return object_ != nullptr; }

 private:
  T* object_ = nullptr;
};

template <class T, class... Arguments>
UniquePointer<T> make_unique_pointer(Arguments&&... arguments) {
  return UniquePointer<T>(new T(std::forward<Arguments>(arguments)...));
}

// An object with the number of its holders.
class Counted {
 public:
  Counted() noexcept = default;
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;

  // Relaxed: who adds a holder has the object from one.
  void hold() noexcept { __atomic_fetch_add(&holders_, 1, __ATOMIC_RELAXED); }
  // Pairs with itself: who frees the object sees what all others did to it.
  void let_go() noexcept {
    if (__atomic_fetch_sub(&holders_, 1, __ATOMIC_ACQ_REL) == 1) delete this;
  }

 protected:
  virtual ~Counted() = default;

 private:
  std::uint32_t holders_ = 1;
};

template <class T>
class CountedObject final : public Counted {
 public:
  template <class... Arguments>
  explicit CountedObject(Arguments&&... arguments)
      : object(std::forward<Arguments>(arguments)...) {}
  T object;
};

template <class T>
class SharedPointer {
 public:
  SharedPointer(std::nullptr_t = nullptr) noexcept {}
  // The first holder of what was just made.
  explicit SharedPointer(CountedObject<T>* made) noexcept : object_(&made->object), count_(made) {}
  SharedPointer(const SharedPointer& other) noexcept
      : object_(other.object_), count_(other.count_) {
    if (count_ != nullptr) count_->hold();
  }
  SharedPointer(SharedPointer&& other) noexcept
      : object_(std::exchange(other.object_, nullptr)),
        count_(std::exchange(other.count_, nullptr)) {}
  // To a base of what `other` points to.
  template <class U>
  SharedPointer(SharedPointer<U> other) noexcept
      : object_(std::exchange(other.object_, nullptr)),
        count_(std::exchange(other.count_, nullptr)) {}
  SharedPointer& operator=(SharedPointer other) noexcept {
    std::swap(object_, other.object_);
    std::swap(count_, other.count_);
    return *this;
  }
  ~SharedPointer() {
    if (count_ != nullptr) count_->let_go();
  }

  T& operator*() const noexcept { return *object_; }
  T* operator->() const noexcept { return object_; }
  bool operator==(std::nullptr_t) const noexcept { return object_ == nullptr; }

 private:
  template <class U>
  friend class SharedPointer;

  T* object_ = nullptr;
  Counted* count_ = nullptr;
};

template <class T, class... Arguments>
SharedPointer<T> make_shared_pointer(Arguments&&... arguments) {
  return SharedPointer<T>(new CountedObject<T>(std::forward<Arguments>(arguments)...));
}

}  // namespace detail

}  // namespace onecopy
