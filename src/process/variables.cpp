#include "process/variables.hpp"

#include <cstdlib>

namespace onecopy::process {

std::optional<std::string> take_variable(const char* name) {
  const char* const text = ::secure_getenv(name);
  if (text == nullptr) return std::nullopt;
  std::string copy = text;
  ::unsetenv(name);
  return copy;
}

Failure bad_variable(const char* name, const std::string& text) {
  return {Error::invalid, 0,
          std::string(name) + " is '" + text + "', which no parent of this family writes"};
}

}  // namespace onecopy::process
