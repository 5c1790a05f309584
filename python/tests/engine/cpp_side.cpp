// A C++ program's side of test_cpp.py, in the test's own process: what it receives as a value of
// some type it sends on, moved.
#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include <onecopy/deadline.hpp>
#include <onecopy/names.hpp>
#include <onecopy/nd_view.hpp>
#include <onecopy/object.hpp>
#include <onecopy/opaque.hpp>
#include <onecopy/pipe.hpp>

#include "channel/values.hpp"

namespace {

using onecopy::NdView;
using onecopy::Object;
using onecopy::Result;
using onecopy::channel::Channel;

template <class T>
Result<void> hand_on(Channel& from, Channel& to) {
  T value{};
  Result<void> got =
      get_value(from, onecopy::detail::read_of(value), onecopy::detail::kForever, -1);
  if (!got) return got;
  if constexpr (onecopy::detail::Giving<T>) {
    return put_value(to, onecopy::detail::give_of(value), onecopy::detail::kForever, -1);
  } else {
    return put_value(to, onecopy::detail::write_of(value), onecopy::detail::kForever, -1);
  }
}

using HandOn = Result<void> (*)(Channel& from, Channel& to);

const std::map<std::string_view, HandOn>& types() {
  static const std::map<std::string_view, HandOn> all = {
      {"NdArray", hand_on<onecopy::NdArray>},
      {"NdView<double>", hand_on<NdView<double>>},
      {"NdView<const double>", hand_on<NdView<const double>>},
      {"NdView<double, 2>", hand_on<NdView<double, 2>>},
      {"NdView<bool>", hand_on<NdView<bool>>},
      {"map<string, vector<NdView<float>>>",
       hand_on<std::map<std::string, std::vector<NdView<float>>>>},
      {"tuple<string, NdView<double>, int>", hand_on<std::tuple<std::string, NdView<double>, int>>},
      {"double", hand_on<double>},
      {"string", hand_on<std::string>},
      {"vector<double>", hand_on<std::vector<double>>},
      {"Object", hand_on<Object>},
      {"Opaque", hand_on<onecopy::Opaque>},
  };
  return all;
}

}  // namespace

// Why it failed; empty where it did not. Valid until the next call.
extern "C" const char* hand_on(const char* type, std::uint32_t from, std::uint32_t from_generation,
                               std::uint32_t to, std::uint32_t to_generation) {
  static std::string answer;
  answer.clear();
  try {
    Channel source = Channel::open({from, from_generation}).value_or_throw();
    Channel sink = Channel::open({to, to_generation}).value_or_throw();
    const Result<void> done = types().at(type)(source, sink);
    if (!done) answer = done.failure().text();
  } catch (const std::exception& exception) {
    answer = exception.what();
  }
  return answer.c_str();
}

// Finds an end of a pipe by its name, and answers each array that comes with its sum, until the
// other end is closed.
extern "C" void answer_with_sums(const char* name) {
  auto end = onecopy::find<onecopy::PipeEnd<double, NdView<const double>>>(name).value_or_throw();
  for (;;) {
    auto array = end.recv_for(std::chrono::seconds(60));
    if (array.error() == onecopy::Error::end_of_stream) return;
    double sum = 0;
    const NdView<const double>& numbers = array.value();
    for (std::size_t i = 0; i < numbers.size(); ++i) sum += numbers.data()[i];
    end.send(sum);
  }
}

// Sends two matrices that lie by columns in ordinary memory, as those of Eigen do.
extern "C" void send_columns(std::uint32_t to, std::uint32_t to_generation) {
  Channel sink = Channel::open({to, to_generation}).value_or_throw();
  std::vector<double> columns(1000 * 4);
  for (std::size_t i = 0; i < columns.size(); ++i) columns[i] = static_cast<double>(i);
  const auto matrix = NdView<double>::over(columns.data(), {1000, 4}, {1, 1000});
  put_value(sink, onecopy::detail::write_of(matrix), onecopy::detail::kForever, -1)
      .value_or_throw();
  const auto half = NdView<double>::over(columns.data(), {500, 4}, {2, 1000});
  put_value(sink, onecopy::detail::write_of(half), onecopy::detail::kForever, -1).value_or_throw();
}
