// The names of include/onecopy/names.hpp.
#include <onecopy/names.hpp>

#include <span>

#include "channel/queue_state.hpp"
#include "memory/block.hpp"
#include "message/codec_state.hpp"
#include "names/find.hpp"

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

Result<void> publish_value(std::string_view name, ValueWrite value) {
  if (Result<void> joined = memory::join_family(); !joined) return joined;
  Encoder::State state;
  if (Result<void> encoded = state.encode(value); !encoded) return encoded;
  Result<void> published =
      names::publish_value(name, message::Kind::value, state.buffer.span(), state.blocks.span());
  if (published) state.blocks.delivered();
  return published;
}

Result<void> find_value(std::string_view name, ValueRead value, std::int64_t wait) {
  const auto read = [name, value](const names::Found& found) -> Result<void> {
    if (found.is_queue()) {
      return Failure{Error::invalid, 0, "'" + std::string(name) + "' names a queue, not a value"};
    }
    if (found.what == names::What::pickle) {
      return Failure{Error::invalid, 0,
                     "'" + std::string(name) + "' names a pickle, which only Python reads"};
    }
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
