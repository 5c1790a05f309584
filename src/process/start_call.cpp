#include "process/start_call.hpp"

#include <cerrno>
#include <utility>

#include "process/spawn.hpp"
#include "process/variables.hpp"

namespace onecopy::process {
namespace {

constexpr const char* kCall = "ONECOPY_CALL";

std::string text_of(channel::Name name) {
  return std::to_string(name.index) + ":" + std::to_string(name.generation);
}

channel::Name name_in(const std::string& text) {
  channel::Name name{};
  if (parse_numbers(text, name.index, name.generation)) return name;
  throw Exception(bad_variable(kCall, text));
}

}  // namespace

Result<Child> start_call(OutgoingCall& call, const Afresh& afresh) {
  channel::Channel* const held[] = {&call.channel()};
  Program program{.path = "/proc/self/exe",
                  .arguments = {program_invocation_name},
                  .environment = afresh.environment,
                  .daemon = afresh.daemon,
                  .channels = held,
                  .descriptors = afresh.descriptors};
  program.environment.push_back(std::string(kCall) + "=" + text_of(call.channel().name()));
  auto child = start_program(program);
  if (child) call.delivered();
  return child;
}

std::optional<std::string> take_call() { return take_variable(kCall); }

int run_taken_call(const std::string& taken) {
  return run_call([&] {
    const channel::Name name = name_in(taken);
    if (!join_from_environment().value_or_throw()) {
      throw Exception(Failure{Error::invalid, 0,
                              "something of Onecopy's was made before main() called "
                              "onecopy::run_spawned()"});
    }
    return channel::Channel::open(name).value_or_throw();
  });
}

}  // namespace onecopy::process
