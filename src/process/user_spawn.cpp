// The processes of include/onecopy/spawn.hpp. What is to be called goes over a channel of its own,
// which the child holds before it is born, and whose name it finds in ONECOPY_CALL: a message of
// where the function is, and one of its arguments.
#include <onecopy/spawn.hpp>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <sys/auxv.h>

#include "channel/channel.hpp"
#include "channel/values.hpp"
#include "memory/family.hpp"
#include "message/codec_state.hpp"
#include "os/module_address.hpp"
#include "process/body.hpp"
#include "process/process_state.hpp"
#include "process/spawn.hpp"
#include "process/variables.hpp"

namespace onecopy {
namespace {

using channel::Channel;

constexpr const char* kCall = "ONECOPY_CALL";

// Whether main() has called run_spawned(), in this process or the one that it was forked from.
// Relaxed: it orders nothing.
std::atomic<bool> has_begun{false};

using Place = std::tuple<std::string, std::string, std::uint64_t>;  // an os::ModuleAddress
// The name of the process, and where its invoker is; where the function is, if it is one by itself.
using Callee = std::tuple<std::string, std::vector<Place>>;

Result<void> add_place(std::vector<Place>& places, const void* code) {
  auto found = os::locate(code);
  if (!found) {
    return Failure{Error::invalid, 0, "the function to be spawned: " + found.failure().message};
  }
  places.emplace_back(std::move(found->module), std::move(found->build_id), found->offset);
  return {};
}

const void* code_at(const Place& place) {
  const auto& [module, build_id, offset] = place;
  return os::find_code({module, build_id, offset}).value_or_throw();
}

// A call that came over a channel, in the child.
class SpawnedCall final : public detail::Call {
 public:
  explicit SpawnedCall(Channel& channel) : channel_(channel) {
    Callee callee;
    channel::get_value(channel_, detail::read_of(callee), 0, -1).value_or_throw();
    const auto& [name, places] = callee;
    name_ = name;
    invoker_ = reinterpret_cast<detail::Invoker>(const_cast<void*>(code_at(places.at(0))));
    if (places.size() > 1) function_ = code_at(places[1]);
  }
  ~SpawnedCall() { message_.discard(); }

  const std::string& name() const noexcept { return name_; }
  // The exit code. Throws what the function throws.
  int run() {
    invoker_(*this);
    return code_;
  }

  std::span<const std::byte> captured() const noexcept override {
    if (function_ == nullptr) return {};
    return std::as_bytes(std::span(&function_, 1));
  }

  void read(detail::ValueRead arguments) override {
    if (channel_.try_get(message_, channel::Contend::yes) != channel::Get::done) {
      throw Exception(Failure{Error::corrupt, 0, "there are no arguments"});
    }
    Decoder::State decoder(message_.body, {.indices = message_.blocks});
    decoder.decode(arguments).value_or_throw();
    message_.let_go_of_kept();
  }

  void answer(detail::ValueWrite result) override {
    Encoder::State encoder;
    encoder.encode(result).value_or_throw();
    // None, of a function without a result, or what converts to an int.
    std::optional<int> code;
    Decoder::State decoder(encoder.buffer.span(), {});
    decoder.decode(detail::read_of(code)).value_or_throw();
    code_ = code.value_or(0);
  }

 private:
  Channel& channel_;
  std::string name_;
  detail::Invoker invoker_ = nullptr;
  const void* function_ = nullptr;
  channel::Incoming message_;
  int code_ = 0;
};

std::string text_of(channel::Name name) {
  return std::to_string(name.index) + ":" + std::to_string(name.generation);
}

channel::Name name_in(const std::string& text) {
  channel::Name name{};
  if (process::parse_numbers(text, name.index, name.generation)) return name;
  throw Exception(process::bad_variable(kCall, text));
}

// What was put for a child that there is not is this process's again.
void take_back(Channel& channel) {
  channel::Incoming message;
  static_cast<void>(channel.try_get(message, channel::Contend::yes));
  message.discard();
  static_cast<void>(channel.try_get(message, channel::Contend::yes));
  message.blocks.clear();
}

int run_call(const std::string& text) {
  std::string name;
  struct Body {
    const std::string& text;
    std::string& name;
    std::optional<Channel> channel;
    std::optional<SpawnedCall> call;
  } whole{text, name, {}, {}};
  const auto begin = [](void* given) -> int {
    auto& [channel_text, process_name, opened, call] = *static_cast<Body*>(given);
    const channel::Name channel_name = name_in(channel_text);
    if (!process::join_from_environment().value_or_throw()) {
      throw Exception(Failure{Error::invalid, 0,
                              "something of Onecopy's was made before main() called "
                              "onecopy::run_spawned()"});
    }
    opened.emplace(Channel::open(channel_name).value_or_throw());
    call.emplace(*opened);
    process_name = call->name();
    return 0;
  };
  if (const int failed = process::run_body(begin, &whole, name); failed != 0) return failed;
  return process::run_body([](void* given) { return static_cast<Body*>(given)->call->run(); },
                           &whole, name);
}

}  // namespace

Result<Process> detail::Spawning::start(ProcessOptions options, const Callable& callable,
                                        ValueWrite arguments) {
  if (!has_begun.load(std::memory_order_relaxed)) {
    return Failure{Error::invalid, 0,
                   "main() has not called onecopy::run_spawned(), which is to be the first thing "
                   "in it: the program would be started to do all that it does"};
  }
  if (::getauxval(AT_SECURE) != 0) {
    return Failure{Error::invalid, 0,
                   "a program with more rights than who started it heeds no environment, and so "
                   "cannot be told what to call"};
  }
  if (Result<void> joined = memory::join_family(); !joined) return std::move(joined).failure();
  std::vector<Place> places;
  if (auto added = add_place(places, reinterpret_cast<const void*>(callable.invoker)); !added) {
    return std::move(added).failure();
  }
  if (callable.function != nullptr) {
    if (auto added = add_place(places, callable.function); !added) {
      return std::move(added).failure();
    }
  }
  auto channel = Channel::create({});
  if (!channel) return std::move(channel).failure();
  const Callee callee(options.name, std::move(places));
  if (auto put = channel::put_value(*channel, write_of(callee), 0, -1); !put) {
    return std::move(put).failure();
  }
  Encoder::State given;
  if (auto encoded = given.encode(arguments); !encoded) return std::move(encoded).failure();
  if (channel->try_put({.kind = channel::Kind::value,
                        .body = given.buffer.span(),
                        .blocks = given.blocks.span()},
                       channel::Contend::yes) != channel::Put::done) {
    return channel::last_put_failure();
  }
  Channel* const held[] = {&*channel};
  auto child =
      process::start_program({.path = "/proc/self/exe",
                              .arguments = {program_invocation_name},
                              .environment = {std::string(kCall) + "=" + text_of(channel->name())},
                              .daemon = options.daemon,
                              .channels = held});
  if (!child) {
    take_back(*channel);
    return std::move(child).failure();
  }
  given.delivered();
  return Process(
      make_unique_pointer<Process::State>(Process::State{std::move(*child), std::move(options)}));
}

void run_spawned() {
  has_begun.store(true, std::memory_order_relaxed);
  if (const auto call = process::take_variable(kCall)) std::exit(run_call(*call));
}

}  // namespace onecopy
