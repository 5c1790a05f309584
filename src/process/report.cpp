#include "process/report.hpp"

#include <algorithm>
#include <cstring>
#include <string>

#include "os/descriptor.hpp"
#include "os/own_descriptors.hpp"

namespace onecopy::process {
namespace {

Failure failure_in(const Report& report, int system_errno) {
  return {static_cast<Error>(report.error), system_errno,
          std::string(report.reason, std::min<std::size_t>(report.reason_bytes, kLongestRefusal))};
}

void explain(Report& report, const Failure& why) noexcept {
  report.error = static_cast<std::uint32_t>(why.code);
  const std::size_t bytes = std::min(why.message.size(), kLongestRefusal);
  report.reason_bytes = static_cast<std::uint32_t>(bytes);
  std::memcpy(report.reason, why.message.data(), bytes);
}

}  // namespace

Report born() noexcept { return {.kind = Report::Kind::born, .child = os::identify_self()}; }

Report ended(pid_t child, const Result<int>& code) noexcept {
  Report report{.kind = Report::Kind::ended};
  report.child.pid = child;
  if (code) {
    report.code = *code;
  } else {
    explain(report, code.failure());
  }
  return report;
}

Report refused(const Failure& why) noexcept {
  Report report{.kind = Report::Kind::refused, .code = why.system_errno};
  explain(report, why);
  return report;
}

Result<int> code_in(const Report& report) {
  if (report.error == 0) return report.code;
  return failure_in(report, 0);
}

Failure refusal_in(const Report& report) { return failure_in(report, report.code); }

void tell(int line, const Report& report) noexcept {
  while (os::write_some(line, &report, sizeof report).error() == Error::interrupted) {
  }
}

Result<Report> hear(int line, os::Deadline deadline) noexcept {
  for (;;) {
    if (!os::is_own(line)) return Error::end_of_stream;
    const os::Poll found = os::poll_one(line, true, false, deadline);
    if (found.timed_out) return Error::timed_out;
    if (found.interrupted) continue;
    Report report;
    const auto bytes = os::read_some(line, &report, sizeof report);
    // Whole or not at all: so little is one piece of the stream.
    if (bytes && *bytes == sizeof report) return report;
    if (bytes.error() == Error::interrupted) continue;
    return Error::end_of_stream;
  }
}

}  // namespace onecopy::process
