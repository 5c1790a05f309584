// The names of include/onecopy/names.hpp.
#include <onecopy/names.hpp>

#include <cstring>
#include <span>

#include "channel/pipe_state.hpp"
#include "channel/queue_state.hpp"
#include "memory/block.hpp"
#include "memory/reference.hpp"
#include "message/codec_state.hpp"
#include "names/find.hpp"
#include "names/pipes.hpp"
#include "sync/elements_state.hpp"

namespace onecopy {

static_assert(kLongestName == names::kLongestName && kMostNames == memory::kMaxNames);

namespace {

os::Deadline deadline_of(std::int64_t wait) noexcept {
  return wait == detail::kForever ? os::Deadline::never() : os::Deadline::after(wait);
}

// What a call that was given a time answers.
template <class T>
Result<T> in_time(Result<T> found, std::int64_t wait) {
  if (wait == 0 || found.error() != Error::not_found) return found;
  return Failure{Error::timed_out, 0, "not in time: " + found.failure().text()};
}

Failure something_else(std::string_view name, const names::Found& found, const char* wanted) {
  return {Error::invalid, 0,
          "'" + std::string(name) + "' names " + names::describe(found.what) + ", not " + wanted};
}

// The references of a message to what is shared in it, for as long as it is read.
struct References {
  std::vector<memory::BlockIndex> blocks;

  ~References() {
    for (const memory::BlockIndex block : blocks) memory::release_block(block);
  }
};

}  // namespace

namespace detail {

Result<void> QueueHandle::publish(std::string_view name) const {
  return names::publish_queue(name, names::What::queue, state_->channel);
}

Result<QueueHandle> QueueHandle::find(std::string_view name, std::int64_t wait) {
  const auto open = [name](const names::Found& what) { return names::open_queue(name, what); };
  auto found = in_time(names::find(name, deadline_of(wait), open), wait);
  if (!found) return std::move(found).failure();
  return QueueHandle(make_unique_pointer<State>(State{std::move(found).value()}));
}

Result<void> PipeHandle::publish(std::string_view name) const {
  if (closed()) return Error::closed;
  return names::publish_pipe(name, state_->end);
}

Result<PipeHandle> PipeHandle::find(std::string_view name, std::int64_t wait) {
  const os::Deadline deadline = deadline_of(wait);
  const auto open = [&](const names::Found& what) {
    return names::open_pipe(name, what, deadline, wait != 0);
  };
  auto found = in_time(names::find(name, deadline, open), wait);
  if (!found) return std::move(found).failure();
  return PipeHandle(make_unique_pointer<State>(State{std::move(found).value()}));
}

Result<void> SharedElements::publish(std::string_view name, std::uint64_t type_hash) const {
  const names::ArrayBody body{state_->count, state_->element_bytes, type_hash};
  message::OutgoingBlocks blocks;
  for (const memory::SharedName part : {state_->lock.state().lock.name(), state_->memory.name}) {
    const auto reference = memory::make_reference(part);
    if (!reference) return reference.failure();
    blocks.add(*reference);
  }
  Result<void> published = names::publish_value(name, names::What::array,
                                                std::as_bytes(std::span(&body, 1)), blocks.span());
  if (published) blocks.delivered();
  return published;
}

Result<SharedElements> SharedElements::find(std::string_view name, std::size_t element_bytes,
                                            std::uint64_t type_hash, std::int64_t wait) {
  const auto open = [=](const names::Found& found) -> Result<SharedElements> {
    names::ArrayBody body{};
    if (found.what != names::What::array || found.body.size() != sizeof body ||
        found.shared.size() != 2) {
      return something_else(name, found, "an Array of C++");
    }
    std::memcpy(&body, found.body.data(), sizeof body);
    if (body.element_bytes != element_bytes || body.type_hash != type_hash) {
      return Failure{Error::invalid, 0,
                     "'" + std::string(name) + "' names an Array of " + std::to_string(body.count) +
                         " elements of " + std::to_string(body.element_bytes) +
                         " bytes, and of another type than was wanted, whose elements have " +
                         std::to_string(element_bytes)};
    }
    auto state = State::open(found.shared[0], found.shared[1], body.count, element_bytes);
    if (!state) return std::move(state).failure();
    return SharedElements(std::move(*state));
  };
  return in_time(names::find(name, deadline_of(wait), open), wait);
}

Result<void> publish_value(std::string_view name, const ValueWrite& value) {
  if (Result<void> joined = memory::join_family(); !joined) return joined;
  Encoder::State state;
  if (Result<void> encoded = state.encode(value); !encoded) return encoded;
  Result<void> published =
      names::publish_value(name, names::What::value, state.buffer.span(), state.blocks.span());
  if (published) state.blocks.delivered();
  return published;
}

Result<void> find_value(std::string_view name, const ValueRead& value, std::int64_t wait) {
  const auto read = [name, value](const names::Found& found) -> Result<void> {
    if (found.what != names::What::value) return something_else(name, found, "a value");
    auto opened = names::open_shared(found);
    if (!opened) return std::move(opened).failure();
    const References references{std::move(*opened)};
    Decoder::State state(found.body, {.indices = references.blocks});
    Result<void> decoded = state.decode(value);
    if (decoded.error() != Error::invalid) return decoded;
    return Failure{Error::invalid, 0, "'" + std::string(name) + "': " + decoded.failure().text()};
  };
  return in_time(names::find(name, deadline_of(wait), read), wait);
}

}  // namespace detail

Result<void> withdraw(std::string_view name) { return names::withdraw(name); }

std::vector<PublishedName> published_names() {
  std::vector<PublishedName> published;
  for (names::Published& name : names::all()) {
    published.push_back({std::move(name.name), name.publisher});
  }
  return published;
}

}  // namespace onecopy
