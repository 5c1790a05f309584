#include "process/template_serving.hpp"

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <span>
#include <utility>
#include <vector>

#include "memory/family.hpp"
#include "os/descriptor_passing.hpp"
#include "os/lifeline.hpp"
#include "os/own_descriptors.hpp"
#include "os/signal_hold.hpp"
#include "os/system.hpp"
#include "process/body.hpp"
#include "process/call.hpp"
#include "process/child.hpp"
#include "process/fork.hpp"
#include "process/report.hpp"
#include "process/start_call.hpp"
#include "process/template.hpp"
#include "process/variables.hpp"

namespace onecopy::process {
namespace {

// What a fork opens, and what the next request brings.
constexpr std::size_t kRoom = 4;
// How long an end goes unnoticed where the system has nothing to wait for it by.
constexpr os::Nanoseconds kSlice = 20 * os::kMillisecond;

class Serving {
 public:
  explicit Serving(os::OwnDescriptor socket) : socket_(std::move(socket)) {}

  [[noreturn]] void serve();

 private:
  struct Served {
    Child child;
    os::OwnDescriptor line;
    bool may_have_ended = false;
  };
  // A request on its way to a child, whose memory has all of this too; there the descriptors are
  // ordinary ones. -1: it is no daemon.
  struct Birth {
    Serving& serving;
    channel::Channel channel;
    int line = -1;
    int lifeline = -1;
  };

  void shut_out_interrupts();
  bool wait();
  void tell_of_ends();
  void take_request();
  [[noreturn]] void be_child(Birth& birth);

  // This and the lines are the template's alone: what anybody forks here keeps none of them open,
  // so that they end with the template.
  os::OwnDescriptor socket_;
  bool held_interrupts_ = false;     // by us
  struct sigaction on_interrupt_{};  // what the program had set
  std::vector<Served> children_;
};

// Not while it is prepared: what is started then is to be as ever. Ignored as well as held, as a
// thread that was there before main() holds nothing.
void Serving::shut_out_interrupts() {
  held_interrupts_ = os::hold_signal(SIGINT);
  if (!held_interrupts_) return;
  struct sigaction ignore{};
  ignore.sa_handler = SIG_IGN;
  sigaction(SIGINT, &ignore, &on_interrupt_);
}

void Serving::serve() {
  shut_out_interrupts();
  // Of the preparing: a template ends without a word.
  flush_output();
  tell(socket_.get(), born());
  for (;;) {
    const bool asked = wait();
    tell_of_ends();
    if (asked) take_request();
  }
}

// Until a child may have ended, or somebody asks for one: whether that.
bool Serving::wait() {
  std::vector<os::PollEntry> entries{{.fd = socket_.get(), .read = true}};
  os::Deadline deadline = os::Deadline::never();
  for (Served& served : children_) {
    const auto watched = served.child.watch();
    served.may_have_ended = !watched;
    if (watched) {
      entries.push_back({.fd = *watched, .read = true});
    } else {
      deadline = os::Deadline::after(kSlice);
    }
  }
  const auto found = os::poll_many(entries, deadline);
  // A thread that the preparing has left here closed it.
  if (entries.front().found.invalid) os::exit_now(1);
  // A limit, or memory: it may have passed when some children have gone.
  const bool refused_to_wait =
      !found && found.error() != Error::timed_out && found.error() != Error::interrupted;
  if (refused_to_wait) os::sleep_until(os::Deadline::after(kSlice));
  std::size_t next = 1;
  for (Served& served : children_) {
    if (served.may_have_ended) continue;
    served.may_have_ended = refused_to_wait || entries[next].found.readable;
    ++next;
  }
  return entries.front().found.readable;
}

void Serving::tell_of_ends() {
  std::erase_if(children_, [](Served& served) {
    if (!served.may_have_ended) return false;
    const auto code = served.child.join(os::Deadline::at(0));
    if (code.error() == Error::timed_out) return false;
    tell(served.line.get(), ended(served.child.pid(), code));
    return true;
  });
}

void Serving::take_request() {
  std::vector<os::OwnDescriptor> own;
  Result<os::ReceivedDescriptors> received = Error::empty;
  {
    const os::NoFork no_fork;
    received = os::receive_descriptors(socket_.get(), 2, sizeof(ForkRequest));
    if (received) {
      for (os::Descriptor& descriptor : received->first) {
        if (!no_fork.note(descriptor.get())) return;
        own.emplace_back(descriptor.release());
      }
    }
  }
  // The owner has let go of the line.
  if (received.error() == Error::end_of_stream) os::exit_now(0);
  // What came is closed already, which its sender sees.
  if (!received) return;
  ForkRequest request;
  if (own.empty() || received->second.size() != sizeof request) return;
  std::memcpy(&request, received->second.data(), sizeof request);
  const int line = own.front().get();
  Birth birth{*this, {}, line, own.size() > 1 ? own.back().get() : -1};
  if (auto room = os::check_room_for(kRoom); !room) return tell(line, refused(room.failure()));
  // With the handle the child gets a hold on the channel, by the fork.
  auto channel = channel::Channel::open(request.channel);
  if (!channel) return tell(line, refused(channel.failure()));
  birth.channel = std::move(*channel);
  const int handed_on[] = {birth.line, birth.lifeline};
  const os::HandOn hand_on{std::span<const int>(handed_on, own.size())};
  auto child = fork_child(
      [](void* given) -> int {
        auto& born_now = *static_cast<Birth*>(given);
        born_now.serving.be_child(born_now);
      },
      &birth, {}, false);
  if (!child) return tell(line, refused(child.failure()));
  children_.push_back({std::move(*child), std::move(own.front())});
}

void Serving::be_child(Birth& birth) {
  // All that is the template's; the fork has closed it.
  children_.clear();
  os::Descriptor line(birth.line);
  if (auto member = memory::join_family(); !member) {
    tell(line.get(), refused(member.failure()));
    os::exit_now(1);
  }
  if (birth.lifeline >= 0) {
    os::NoFork().note(birth.lifeline).value_or_throw();
    os::arm_lifeline(birth.lifeline).value_or_throw();
  }
  tell(line.get(), born());
  line.reset();
  if (held_interrupts_) {
    sigaction(SIGINT, &on_interrupt_, nullptr);
    os::let_signal_in(SIGINT);
  }
  std::exit(run_call([&] { return std::move(birth.channel); }));
}

}  // namespace

std::optional<std::string> take_template_line() { return take_variable(kTemplate); }

void run_template(const std::string& call, const std::string& line) {
  struct Beginning {
    const std::string& line;
    os::OwnDescriptor socket;
  } beginning{line, {}};
  const auto take_socket = [](void* given) {
    auto& [text, socket] = *static_cast<Beginning*>(given);
    int number = -1;
    if (!parse_numbers(text, number)) throw Exception(bad_variable(kTemplate, text));
    os::set_inheritable(number, false).value_or_throw();
    os::NoFork().note(number).value_or_throw();
    socket = os::OwnDescriptor(number);
    return 0;
  };
  const auto check_socket = [](void* given) {
    if (os::is_own(static_cast<Beginning*>(given)->socket.get())) return 0;
    throw Exception(Failure{Error::closed, 0,
                            "the function that was to prepare the template has closed what leads "
                            "to its owner"});
  };
  if (run_body(take_socket, &beginning, "template") != 0) std::exit(1);
  if (const int failed = run_taken_call(call); failed != 0) std::exit(failed);
  if (run_body(check_socket, &beginning, "template") != 0) std::exit(1);
  Serving(std::move(beginning.socket)).serve();
}

}  // namespace onecopy::process
