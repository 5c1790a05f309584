#include <onecopy/error.hpp>

#include <cstdio>
#include <cstdlib>
#include <system_error>

namespace onecopy {

const char* describe(Error code) noexcept {
  switch (code) {
    case Error::none:
      return "nothing went wrong";
    case Error::timed_out:
      return "the time given ran out first";
    case Error::stopped:
      return "a stop was asked for first; nothing was done";
    case Error::interrupted:
      return "a signal arrived first; nothing was done";
    case Error::full:
      return "there is no room now";
    case Error::empty:
      return "there is nothing to take now";
    case Error::closed:
      return "this side was closed, or what it stood for is gone";
    case Error::end_of_stream:
      return "the other side closed, and everything it sent has been taken";
    case Error::broken_pipe:
      return "the other side closed, and nobody is left to take what is sent";
    case Error::broken_barrier:
      return "a party of the barrier gave up, failed or died";
    case Error::task_failed:
      return "the function of a task threw an exception";
    case Error::worker_died:
      return "the process that did the task ended before it was done";
    case Error::no_memory:
      return "it would not fit into the memory that may be used";
    case Error::not_found:
      return "nothing is published under that name";
    case Error::too_many:
      return "a limit on how many there may be was reached";
    case Error::invalid:
      return "that can never be done";
    case Error::corrupt:
      return "bytes that were read are not what any sender writes";
    case Error::version_mismatch:
      return "the two sides were built from versions that do not understand each other";
    case Error::permission:
      return "the system does not allow it";
    case Error::system:
      return "the system refused";
  }
  return "an error of an unknown kind";
}

std::string Failure::text() const {
  if (!message.empty()) return message;
  std::string text = describe(code);
  if (system_errno != 0) text += " (" + std::system_category().message(system_errno) + ")";
  return text;
}

Exception::Exception(Failure failure)
    : std::runtime_error(failure.text()),
      failure_(detail::make_shared_pointer<const Failure>(std::move(failure))) {}

Exception::~Exception() = default;

namespace detail {

void result_misused(const char* what) noexcept {
  std::fprintf(stderr, "onecopy: %s\n", what);
  std::abort();
}

void throw_failure(Failure failure) { throw Exception(std::move(failure)); }

}  // namespace detail
}  // namespace onecopy
