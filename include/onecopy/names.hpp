/// \file
/// Names: what one member of the family publishes, any other finds, whatever language it is written
/// in.
///
///     onecopy::Queue<std::string> jobs(64);
///     onecopy::publish("jobs", jobs).value_or_throw();
///     ...
///     auto jobs = onecopy::find_for<onecopy::Queue<std::string>>("jobs", 10s).value_or_throw();
///
/// For members that did not inherit what they share: one that has joined through a door
/// (onecopy/door.hpp), or one that is older than the queue. The names are the family's and lie in
/// its shared memory, not in the file system; nobody else sees them. Python has onecopy.publish and
/// onecopy.find.
///
/// What may be published: a queue; an end of a pipe; an Array (onecopy/array.hpp), for C++ only;
/// and any value that may be sent, where all that is large in it is shared (onecopy/shared.hpp):
/// who finds it has the same memory, and a copy of the rest. A name is UTF-8 without control
/// characters, of at most kLongestName bytes. Which types the values of a queue or a pipe have,
/// nobody checks until one is taken.
///
/// A name is there until its publisher withdraws it or ends. So long the publisher holds what
/// stands under it, even where it has no handle on it any more; who has found it holds it too, and
/// needs the publisher no more. A queue that was withdrawn lives on while a process has it, as one
/// that was forked meanwhile does.
///
/// The end of a pipe that is published is open until the name is withdrawn or its publisher ends,
/// whoever else has closed it, and then as long as somebody who found it has it. Each who finds it
/// has the same end; a thread of the publisher's for each, which does nothing else, hands out its
/// socket, to this user's processes in this network namespace. Error::timed_out: the publisher is
/// stopped, or out of descriptors. Error::system: it hands it to nobody here.
///
/// Any thread of any member may call these; publish() makes this process a member where it is none.
/// A process that dies at any instruction leaves a name that is there or is not, and soon is not.
/// Publishing and finding cost some microseconds.
///
/// Errors. Error::not_found: there is no such name, and which there are. Error::timed_out: nor was
/// one published in time. Error::invalid: the name is taken, or is no name; what stands under it is
/// something else, or of another type; the value has memory of its own; find() in a process that is
/// no member. Error::too_many: the family has kMostNames already.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <onecopy/array.hpp>
#include <onecopy/codec.hpp>
#include <onecopy/deadline.hpp>
#include <onecopy/error.hpp>
#include <onecopy/pipe.hpp>
#include <onecopy/queue.hpp>

namespace [[gnu::visibility("default")]] onecopy {

/// How many bytes a name may have.
inline constexpr std::size_t kLongestName = 63;
/// How many names a family may have at a time.
inline constexpr std::size_t kMostNames = 1024;

namespace detail {

Result<void> publish_value(std::string_view name, const ValueWrite& value);
// `wait` in nanoseconds, kForever included.
Result<void> find_value(std::string_view name, const ValueRead& value, std::int64_t wait);

// How things of this type are published and found: as values.
template <class T>
struct Named {
  static Result<void> publish(std::string_view name, const T& value) {
    return publish_value(name, write_of(value));
  }
  static Result<T> find(std::string_view name, std::int64_t wait) {
    T value{};
    Result<void> found = find_value(name, read_of(value), wait);
    if (!found) return std::move(found).failure();
    return value;
  }
};

template <class T>
struct Named<Queue<T>> {
  static Result<void> publish(std::string_view name, const Queue<T>& queue) {
    return queue.handle_.publish(name);
  }
  static Result<Queue<T>> find(std::string_view name, std::int64_t wait) {
    Result<QueueHandle> handle = QueueHandle::find(name, wait);
    if (!handle) return std::move(handle).failure();
    return Queue<T>(std::move(handle).value());
  }
};

template <class Sent, class Received>
struct Named<PipeEnd<Sent, Received>> {
  using End = PipeEnd<Sent, Received>;
  static Result<void> publish(std::string_view name, const End& end) {
    return end.handle_.publish(name);
  }
  static Result<End> find(std::string_view name, std::int64_t wait) {
    Result<PipeHandle> handle = PipeHandle::find(name, wait);
    if (!handle) return std::move(handle).failure();
    return End(std::move(handle).value());
  }
};

template <class T>
struct Named<Array<T>> {
  static Result<void> publish(std::string_view name, const Array<T>& array) {
    return array.elements_.publish(name, type_hash<T>());
  }
  static Result<Array<T>> find(std::string_view name, std::int64_t wait) {
    Result<SharedElements> elements = SharedElements::find(name, sizeof(T), type_hash<T>(), wait);
    if (!elements) return std::move(elements).failure();
    return Array<T>(std::move(elements).value());
  }
};

}  // namespace detail

/// Lets every member find `thing` under that name, until this process withdraws it or ends.
template <class T>
Result<void> publish(std::string_view name, const T& thing) {
  return detail::Named<T>::publish(name, thing);
}

/// What is published under that name now.
template <class T>
Result<T> find(std::string_view name) {
  return detail::Named<T>::find(name, 0);
}
/// The same, or what is published within that time: so it does not matter who starts first.
template <class T, detail::Duration Time>
Result<T> find_for(std::string_view name, Time time) {
  return detail::Named<T>::find(name, detail::nanoseconds(time));
}

/// Takes a name back that this process has published. Error::permission: another has.
Result<void> withdraw(std::string_view name);

/// One of the names of the family, at one moment.
struct PublishedName {
  std::string name;  ///< what it was published under
  int pid;           ///< of its publisher
};
/// All names whose publishers live; none where there is no family. Looks at each.
std::vector<PublishedName> published_names();

}  // namespace onecopy
