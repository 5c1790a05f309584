// The queue of include/onecopy/queue.hpp: a channel.
#include <onecopy/queue.hpp>

#include <limits>

#include "channel/queue_state.hpp"
#include "channel/values.hpp"

namespace onecopy::detail {

Result<QueueHandle> QueueHandle::create(std::size_t maximum) {
  if (maximum > std::numeric_limits<std::uint32_t>::max()) {
    return Failure{Error::invalid, 0,
                   "a queue holds at most 4294967295 values, and " + std::to_string(maximum) +
                       " were asked for"};
  }
  if (Result<void> joined = memory::join_family(); !joined) return std::move(joined).failure();
  Result<channel::Channel> made =
      channel::Channel::create({.maximum = static_cast<std::uint32_t>(maximum)});
  if (!made) return std::move(made).failure();
  return QueueHandle(make_unique_pointer<State>(State{std::move(made).value()}));
}

QueueHandle::QueueHandle(UniquePointer<State> state) noexcept : state_(std::move(state)) {}
QueueHandle::QueueHandle(QueueHandle&&) noexcept = default;
QueueHandle& QueueHandle::operator=(QueueHandle&&) noexcept = default;
QueueHandle::~QueueHandle() = default;

Result<void> QueueHandle::put(const ValueWrite& value, std::int64_t wait) {
  return channel::put_value(state_->channel, value, wait, -1);
}

Result<void> QueueHandle::get(const ValueRead& value, std::int64_t wait) {
  return channel::get_value(state_->channel, value, wait, -1);
}

Result<void> QueueHandle::put(const ValueWrite& value, Stop stop) {
  return channel::put_value(state_->channel, value, stop, -1);
}

Result<void> QueueHandle::get(const ValueRead& value, Stop stop) {
  return channel::get_value(state_->channel, value, stop, -1);
}

std::size_t QueueHandle::size() const noexcept { return state_->channel.size(); }

std::size_t QueueHandle::maximum() const noexcept { return state_->channel.maximum(); }

}  // namespace onecopy::detail
