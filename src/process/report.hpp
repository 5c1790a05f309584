// What a template tells, over a line for each child, of how that fared: one message when the child
// is there, which it sends itself, and one when it has ended; or one that there will be none. The
// first message of all, over the template's own line, says that it is ready.
//
// A line is a stream pair. One thread at a time may hear. Who tells never waits, and does not learn
// whether anybody hears. When nobody is left who could tell, the line ends.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include <onecopy/error.hpp>

#include "os/clock.hpp"
#include "os/process_identity.hpp"

namespace onecopy::process {

inline constexpr std::size_t kLongestRefusal = 208;

struct Report {
  enum class Kind : std::uint32_t { born, ended, refused };

  Kind kind{};
  std::int32_t code = 0;    // of an end: as Child::join() gives it; of a refusal: an errno
  std::uint32_t error = 0;  // of a refusal, or why there is no code: an Error
  std::uint32_t reason_bytes = 0;
  os::ProcessIdentity child{};        // who was born; of an end only its process id
  char reason[kLongestRefusal] = {};  // for a person
};
static_assert(sizeof(Report) == 248 && offsetof(Report, child) == 16 &&
              offsetof(Report, reason) == 40);
static_assert(std::is_trivially_copyable_v<Report> && std::is_standard_layout_v<Report>);

// Of the process that calls.
Report born() noexcept;
Report ended(pid_t child, const Result<int>& code) noexcept;
Report refused(const Failure& why) noexcept;
// What an end, or a refusal, says.
Result<int> code_in(const Report& report);
Failure refusal_in(const Report& report);

void tell(int line, const Report& report) noexcept;
// `line` is this process's own (os/own_descriptors.hpp). Error::timed_out; Error::end_of_stream:
// nobody is left who could tell, or the program has closed the line.
Result<Report> hear(int line, os::Deadline deadline) noexcept;

}  // namespace onecopy::process
