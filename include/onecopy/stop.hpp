/// \file
/// How a thread that waits is asked to stop: by a std::stop_token, such as a std::jthread has.
///
///     std::jthread consumer([&](std::stop_token stop) {
///       while (onecopy::Result<Frame> frame = frames.get(stop)) use(*frame);
///     });  // at its end asks it to stop, and waits for it
///
/// A call that is given a token waits as long as it takes, or until a stop is asked for. What can
/// be done without waiting is done also then, as a std::condition_variable_any has it: the consumer
/// above ends when nothing is left to take. One that is to end sooner asks `stop.stop_requested()`
/// in its loop as well. Who stops has taken, put and changed nothing, so nothing is lost: a call
/// that answers with a Result says Error::stopped, one that answers with a bool says false. Others
/// who wait for the same, in this process or another, wait on.
///
/// Any thread of this process may ask at any time. Who sleeps finds out when its slice of 50 ms is
/// over, as of all else that nobody wakes it for: mostly within 50 ms, and within 100. Waiting with
/// a token costs what waiting without one does. Who ends many threads asks all of them first.
///
/// Tokens are known by what they look like: `<stop_token>` takes longer to compile than `<vector>`,
/// `<string>` and `<functional>` together, and who has a token has included it.
#pragma once

#include <onecopy/pointer.hpp>

namespace [[gnu::visibility("default")]] onecopy {

namespace detail {

// std::stop_token.
template <class T>
concept StopToken = requires(const T& token) {
  static_cast<bool>(token.stop_requested());
  static_cast<bool>(token.stop_possible());
};

// What may end a wait before its time. It refers to the token, which lives as long as the call.
class Stop {
 public:
  Stop() noexcept = default;  // nothing
  template <StopToken Token>
  explicit Stop(const Token& token) noexcept
      : token_(address_of(token)), asked_([](const void* asked) noexcept -> bool {
          return static_cast<const Token*>(asked)->stop_requested();
        }) {}

  bool requested() const noexcept { return asked_ != nullptr && asked_(token_); }

 private:
  const void* token_ = nullptr;
  bool (*asked_)(const void*) noexcept = nullptr;
};

}  // namespace detail

}  // namespace onecopy
