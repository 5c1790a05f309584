// What a process that begins afresh is to do: a function and its arguments, over a channel of their
// own, which the process holds before it is born. A message says where the function is, another has
// its arguments.
//
// Any thread may make a call, one at a time use it. A death on either side leaves the messages to
// whoever holds the channel still, and goes with the last of them.
#pragma once

#include <functional>
#include <string>

#include <onecopy/task.hpp>

#include "channel/channel.hpp"
#include "message/codec_state.hpp"

namespace onecopy::process {

// main() has called run_spawned(): this program may be started anew.
void note_beginning() noexcept;

// A call on its way. What was moved into one that is not delivered is as it was.
class OutgoingCall {
 public:
  OutgoingCall() = default;
  OutgoingCall(const OutgoingCall&) = delete;
  OutgoingCall& operator=(const OutgoingCall&) = delete;
  ~OutgoingCall();

  // `name` is that of the process, for its reports. Error::invalid: the function lies in nothing
  // that is loaded, an argument cannot be sent, or this program is not to be started anew.
  Result<void> put(const std::string& name, const detail::Callable& callable,
                   detail::ValueWrite arguments);
  channel::Channel& channel() noexcept { return channel_; }
  channel::Name name() const noexcept { return channel_.name(); }
  // There is a process that has it.
  void delivered() noexcept;

 private:
  channel::Channel channel_;
  Encoder::State arguments_;
  bool is_put_ = false;
};

// In the process: calls what lies in the channel that `open` gives, which may throw. The exit code;
// 1 after an exception, which is reported on stderr.
int run_call(const std::function<channel::Channel()>& open);

}  // namespace onecopy::process
