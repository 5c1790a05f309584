// What a template does: it prepares itself, and then forks a child for each request that comes over
// its line, and tells how each fares over the line of that one (process/report.hpp).
//
// For the one thread that a template has; there is no way back. Ctrl-C, which a terminal gives to
// the template too, is as ever while it is prepared and for its children, and else comes to
// nothing. It ends with its owner, by its lifeline; killed at any instruction it leaves the
// children that there are, whose ends are told to nobody then, and of a request either a child that
// does the call or none.
#pragma once

#include <optional>
#include <string>

namespace onecopy::process {

// In the program, before it does anything else: what says that it was started as a template.
std::optional<std::string> take_template_line();

// Does the call that prepares it and serves. Ends with that call's exit code where that is not 0.
[[noreturn]] void run_template(const std::string& call, const std::string& line);

}  // namespace onecopy::process
