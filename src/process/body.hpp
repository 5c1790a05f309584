// The body of a process: what it runs, and what is left to say when that ends.
//
// Any thread may call these; nothing is shared.
#pragma once

#include <string>

namespace onecopy::process {

// What body returns; 1 after an exception that nobody caught, which is reported on stderr under
// `name`.
int run_body(int (*body)(void* argument), void* argument, const std::string& name) noexcept;

void report_end(const std::string& name, const char* why) noexcept;

// Writes out what C and C++ have buffered for their files and streams.
void flush_output() noexcept;

}  // namespace onecopy::process
