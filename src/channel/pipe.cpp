// The pipe of include/onecopy/pipe.hpp: values through the two ends of pipe_end.hpp.
#include <onecopy/pipe.hpp>

#include "channel/pipe_state.hpp"
#include "channel/values.hpp"

namespace onecopy::detail {

namespace {

enum class Way { in, out };

// Whether that end is open, and goes that way; the handle's pointer is null once it is closed.
template <class Pointer>
bool goes(const Pointer& state, Way way) noexcept {
  return state != nullptr && (way == Way::in ? state->end.incoming : state->end.outgoing).valid();
}

Failure refusal(bool closed, Way way) {
  if (closed) return {Error::closed};
  return {
      Error::invalid, 0,
      way == Way::in ? "this end of the pipe only sends" : "this end of the pipe only receives"};
}

}  // namespace

Result<std::pair<PipeHandle, PipeHandle>> PipeHandle::create() {
  auto ends = channel::make_pipe(true);
  if (!ends) return std::move(ends).failure();
  return std::pair(PipeHandle(make_unique_pointer<State>(State{std::move(ends->first)})),
                   PipeHandle(make_unique_pointer<State>(State{std::move(ends->second)})));
}

PipeHandle::PipeHandle(UniquePointer<State> state) noexcept : state_(std::move(state)) {}
PipeHandle::PipeHandle(PipeHandle&&) noexcept = default;
PipeHandle& PipeHandle::operator=(PipeHandle&&) noexcept = default;
PipeHandle::~PipeHandle() = default;

Result<void> PipeHandle::send(const ValueWrite& value, std::int64_t wait) {
  if (!goes(state_, Way::out)) [[unlikely]]
    return refusal(closed(), Way::out);
  return channel::put_value(state_->end.outgoing, value, wait, state_->end.socket.get());
}

Result<void> PipeHandle::recv(const ValueRead& value, std::int64_t wait) {
  if (!goes(state_, Way::in)) [[unlikely]]
    return refusal(closed(), Way::in);
  return channel::get_value(state_->end.incoming, value, wait, state_->end.socket.get());
}

Result<bool> PipeHandle::poll(std::int64_t wait) {
  if (!goes(state_, Way::in)) [[unlikely]]
    return refusal(closed(), Way::in);
  return channel::poll_value(state_->end.incoming, wait, state_->end.socket.get());
}

Result<void> PipeHandle::send(const ValueWrite& value, Stop stop) {
  if (!goes(state_, Way::out)) [[unlikely]]
    return refusal(closed(), Way::out);
  return channel::put_value(state_->end.outgoing, value, stop, state_->end.socket.get());
}

Result<void> PipeHandle::recv(const ValueRead& value, Stop stop) {
  if (!goes(state_, Way::in)) [[unlikely]]
    return refusal(closed(), Way::in);
  return channel::get_value(state_->end.incoming, value, stop, state_->end.socket.get());
}

Result<bool> PipeHandle::poll(Stop stop) {
  if (!goes(state_, Way::in)) [[unlikely]]
    return refusal(closed(), Way::in);
  return channel::poll_value(state_->end.incoming, stop, state_->end.socket.get());
}

void PipeHandle::close() noexcept { state_ = nullptr; }

}  // namespace onecopy::detail
