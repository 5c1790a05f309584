#include "process/body.hpp"

#include <cstdio>
#include <exception>
#include <iostream>

#include "os/system.hpp"

namespace onecopy::process {

int run_body(int (*body)(void*), void* argument, const std::string& name) noexcept {
  try {
    return body(argument);
  } catch (const std::exception& exception) {
    report_end(name, exception.what());
  } catch (...) {
    report_end(name, "of a type that is no std::exception");
  }
  return 1;
}

void report_end(const std::string& name, const char* why) noexcept {
  std::fprintf(stderr, "onecopy: process %d%s%s ended by an uncaught exception: %s\n",
               os::process_id(), name.empty() ? "" : ", ", name.c_str(), why);
}

void flush_output() noexcept {
  for (std::ostream* stream : {&std::cout, &std::cerr, &std::clog}) {
    // Through the buffer: the stream itself may have been asked to throw.
    if (stream->rdbuf() != nullptr) stream->rdbuf()->pubsync();
  }
  std::fflush(nullptr);
}

}  // namespace onecopy::process
