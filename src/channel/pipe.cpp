// The pipe of include/onecopy/pipe.hpp: values through the two ends of pipe_end.hpp.
#include <onecopy/pipe.hpp>

#include <string>

#include "channel/pipe_state.hpp"
#include "channel/values.hpp"

namespace onecopy::detail {

namespace {

Failure goes_the_other_way(const char* does) {
  return {Error::invalid, 0, std::string("this end of the pipe only ") + does};
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

Result<void> PipeHandle::send(ValueWrite value, std::int64_t wait) {
  if (closed()) return Error::closed;
  if (!state_->end.outgoing.valid()) return goes_the_other_way("receives");
  return channel::put_value(state_->end.outgoing, value, wait, state_->end.socket.get());
}

Result<void> PipeHandle::recv(ValueRead value, std::int64_t wait) {
  if (closed()) return Error::closed;
  if (!state_->end.incoming.valid()) return goes_the_other_way("sends");
  return channel::get_value(state_->end.incoming, value, wait, state_->end.socket.get());
}

Result<bool> PipeHandle::poll(std::int64_t wait) {
  if (closed()) return Error::closed;
  if (!state_->end.incoming.valid()) return goes_the_other_way("sends");
  return channel::poll_value(state_->end.incoming, wait, state_->end.socket.get());
}

Result<void> PipeHandle::send(ValueWrite value, Stop stop) {
  if (closed()) return Error::closed;
  return channel::put_value(state_->end.outgoing, value, stop, state_->end.socket.get());
}

Result<void> PipeHandle::recv(ValueRead value, Stop stop) {
  if (closed()) return Error::closed;
  return channel::get_value(state_->end.incoming, value, stop, state_->end.socket.get());
}

Result<bool> PipeHandle::poll(Stop stop) {
  if (closed()) return Error::closed;
  return channel::poll_value(state_->end.incoming, stop, state_->end.socket.get());
}

void PipeHandle::close() noexcept { state_ = nullptr; }

}  // namespace onecopy::detail
