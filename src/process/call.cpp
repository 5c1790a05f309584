#include "process/call.hpp"

#include <atomic>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include <sys/auxv.h>

#include "channel/values.hpp"
#include "memory/family.hpp"
#include "os/module_address.hpp"
#include "process/body.hpp"

namespace onecopy::process {
namespace {

using channel::Channel;

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

Result<void> check_program() {
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
  return {};
}

// A call that came over a channel, in the process.
class IncomingCall final : public detail::Call {
 public:
  explicit IncomingCall(Channel& channel) : channel_(channel) {
    Callee callee;
    channel::get_value(channel_, detail::read_of(callee), 0, -1).value_or_throw();
    const auto& [name, places] = callee;
    name_ = name;
    invoker_ = reinterpret_cast<detail::Invoker>(const_cast<void*>(code_at(places.at(0))));
    if (places.size() > 1) function_ = code_at(places[1]);
  }
  ~IncomingCall() { message_.discard(); }

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

// What was put for a process that there is not is this one's again.
void take_back(Channel& channel) {
  channel::Incoming message;
  static_cast<void>(channel.try_get(message, channel::Contend::yes));
  message.discard();
  static_cast<void>(channel.try_get(message, channel::Contend::yes));
  message.blocks.clear();
}

}  // namespace

void note_beginning() noexcept { has_begun.store(true, std::memory_order_relaxed); }

OutgoingCall::~OutgoingCall() {
  if (is_put_) take_back(channel_);
}

Result<void> OutgoingCall::put(const std::string& name, const detail::Callable& callable,
                               detail::ValueWrite arguments) {
  if (auto may = check_program(); !may) return may;
  if (auto joined = memory::join_family(); !joined) return joined;
  std::vector<Place> places;
  if (auto added = add_place(places, reinterpret_cast<const void*>(callable.invoker)); !added) {
    return added;
  }
  if (callable.function != nullptr) {
    if (auto added = add_place(places, callable.function); !added) return added;
  }
  auto created = Channel::create({});
  if (!created) return std::move(created).failure();
  channel_ = std::move(*created);
  const Callee callee(name, std::move(places));
  if (auto put = channel::put_value(channel_, detail::write_of(callee), 0, -1); !put) return put;
  if (auto encoded = arguments_.encode(arguments); !encoded) return encoded;
  if (channel_.try_put({.kind = channel::Kind::value,
                        .body = arguments_.buffer.span(),
                        .blocks = arguments_.blocks.span()},
                       channel::Contend::yes) != channel::Put::done) {
    return channel::last_put_failure();
  }
  is_put_ = true;
  return {};
}

void OutgoingCall::delivered() noexcept {
  arguments_.delivered();
  is_put_ = false;
}

int run_call(const std::function<Channel()>& open) {
  std::string name;
  struct Whole {
    const std::function<Channel()>& open;
    std::string& name;
    std::optional<Channel> channel;
    std::optional<IncomingCall> call;
  } whole{open, name, {}, {}};
  const auto begin = [](void* given) -> int {
    auto& [opening, process_name, channel, call] = *static_cast<Whole*>(given);
    channel.emplace(opening());
    call.emplace(*channel);
    process_name = call->name();
    return 0;
  };
  if (const int failed = run_body(begin, &whole, name); failed != 0) return failed;
  return run_body([](void* given) { return static_cast<Whole*>(given)->call->run(); }, &whole,
                  name);
}

}  // namespace onecopy::process
