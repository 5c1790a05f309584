#include "wait_any.hpp"

#include <algorithm>
#include <memory>

#include "connection.hpp"
#include "errors.hpp"
#include "os/descriptor.hpp"
#include "queue.hpp"
#include "sync/spin.hpp"
#include "sync/wait.hpp"
#include "waiting.hpp"

namespace onecopy::python {
namespace {

// A queue that has been published may have putters who ring no bell: between two looks at it.
constexpr os::Nanoseconds kUnrung = 10 * os::kMillisecond;

// One of those waited for. Holds what a channel's handle lives in, should it be closed meanwhile.
struct Waitable {
  std::shared_ptr<void> keeper;
  channel::Channel* channel = nullptr;  // null: a descriptor and nothing else
  int entry = -1;                       // of the descriptor; -1: it has none
  bool ready = false;
};

class Watch {
 public:
  // False with an exception set.
  bool add(PyObject* object);

  // Looks once: at the channels, and at the descriptors by a system call. True where any is ready.
  Result<bool> look(os::Deadline deadline);
  // Spins for a message in any channel as long as that pays.
  bool spin(os::Deadline deadline) noexcept {
    return spins_.spin([this] { return any_message(); }, deadline);
  }
  // Makes the descriptors say what the channels say.
  void keep_bells_level() noexcept {
    for (Waitable& waitable : waitables_) {
      if (waitable.channel != nullptr) waitable.channel->keep_bell_level();
    }
  }

  // How long nobody need look where no descriptor says anything.
  os::Nanoseconds slice() const noexcept {
    const bool unrung = std::any_of(waitables_.begin(), waitables_.end(), [](const Waitable& one) {
      return one.channel != nullptr && one.channel->has_name();
    });
    return unrung ? kUnrung : sync::kSlice;
  }

  bool any_message() const noexcept {
    return std::any_of(waitables_.begin(), waitables_.end(), [](const Waitable& waitable) {
      return waitable.channel != nullptr && waitable.channel->size() != 0;
    });
  }
  std::vector<std::size_t> ready() const {
    std::vector<std::size_t> indices;
    for (std::size_t i = 0; i < waitables_.size(); ++i) {
      if (waitables_[i].ready) indices.push_back(i);
    }
    return indices;
  }

 private:
  void add(Waitable waitable, int descriptor) {
    if (descriptor >= 0) {
      waitable.entry = static_cast<int>(entries_.size());
      entries_.push_back({.fd = descriptor, .read = true});
    }
    waitables_.push_back(std::move(waitable));
  }
  static bool is_ready(Waitable& waitable, const os::Poll& found) noexcept;

  std::vector<Waitable> waitables_;
  std::vector<os::PollEntry> entries_;
  sync::SpinBudget spins_;
};

bool Watch::add(PyObject* object) {
  if (const Queue* queue = as_queue(object)) {
    if (!queue->state) {
      raise_os_error("handle is closed");
      return false;
    }
    add({queue->state, &queue->state->channel}, queue->state->bell.get());
    return true;
  }
  if (const Connection* connection = as_connection(object)) {
    const auto& state = connection->state;
    if (!state) {
      raise_os_error("handle is closed");
      return false;
    }
    add({state, connection->readable ? &state->incoming : nullptr}, state->socket.get());
    return true;
  }
  const int descriptor = PyObject_AsFileDescriptor(object);
  if (descriptor < 0) return false;
  add({}, descriptor);
  return true;
}

bool Watch::is_ready(Waitable& waitable, const os::Poll& found) noexcept {
  const bool something = found.readable || found.hung_up || found.invalid;
  if (waitable.channel == nullptr) return something;
  if (waitable.channel->size() != 0) return true;
  if (!something) return false;
  // Readable without a message: the other end of a pipe is gone, or a ring came early.
  bool ended = false;
  waitable.channel->wait_for_bell(os::Deadline::after(0), ended);
  return ended || waitable.channel->size() != 0;
}

Result<bool> Watch::look(os::Deadline deadline) {
  const auto polled = os::poll_many(entries_, any_message() ? os::Deadline::after(0) : deadline);
  if (!polled && polled.error() != Error::timed_out && polled.error() != Error::interrupted) {
    return polled.failure();
  }
  bool any = false;
  for (Waitable& waitable : waitables_) {
    const os::Poll nothing;
    waitable.ready = is_ready(
        waitable,
        waitable.entry < 0 ? nothing : entries_[static_cast<std::size_t>(waitable.entry)].found);
    any = any || waitable.ready;
  }
  return any;
}

}  // namespace

std::vector<std::size_t> wait_any(nb::sequence waitables, nb::object timeout) {
  os::Deadline deadline = os::Deadline::never();
  if (!parse_timeout(timeout.ptr(), deadline)) throw nb::python_error();
  Watch watch;
  for (const nb::handle waitable : waitables) {
    if (!watch.add(waitable.ptr())) throw nb::python_error();
  }
  Result<bool> found = false;
  bool first = true;
  const auto round = [&] {
    // Once for all: a message that comes from now on rings.
    if (first) watch.keep_bells_level();
    found = watch.look(first ? os::Deadline::after(0) : deadline.earlier_of(watch.slice()));
    if (first && found && !*found) watch.spin(deadline);
    first = false;
    return !found || *found || deadline.expired();
  };
  if (!block_until(round, [] { return true; })) throw nb::python_error();
  value_or_raise(std::move(found));
  return watch.ready();
}

}  // namespace onecopy::python
