// The variables of the environment by which a parent tells a program that it starts what it is.
//
// For one thread at a time, before others look at the environment.
#pragma once

#include <charconv>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include <onecopy/error.hpp>

namespace onecopy::process {

// What the variable says; it is gone from then on, so that programs started from here do not take
// it for theirs. None for a program with more rights than who started it: that may have written it.
std::optional<std::string> take_variable(const char* name);

// Error::invalid, which names the variable and what it says.
Failure bad_variable(const char* name, const std::string& text);

// The numbers between colons; false where anything else is there.
template <class... Numbers>
bool parse_numbers(std::string_view text, Numbers&... numbers) {
  const char* at = text.data();
  const char* const end = at + text.size();
  const auto number = [&](auto& value, bool first) {
    if (!first) {
      if (at == end || *at != ':') return false;
      ++at;
    }
    const auto [next, error] = std::from_chars(at, end, value);
    at = next;
    return error == std::errc() && value >= 0;
  };
  bool first = true;
  return ((number(numbers, std::exchange(first, false))) && ...) && at == end;
}

}  // namespace onecopy::process
