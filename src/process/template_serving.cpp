#include "process/template_serving.hpp"

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <utility>
#include <vector>

#include "memory/family.hpp"
#include "os/descriptor_passing.hpp"
#include "os/lifeline.hpp"
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
  Serving(os::Descriptor socket, bool held_interrupts)
      : socket_(std::move(socket)), held_interrupts_(held_interrupts) {}

  [[noreturn]] void serve();

 private:
  struct Served {
    Child child;
    os::Descriptor line;
    bool may_have_ended = false;
  };
  // A request on its way to a child, whose memory has all of this too.
  struct Birth {
    Serving& serving;
    channel::Channel channel;
    os::Descriptor line;
    os::Descriptor lifeline;
  };

  bool wait();
  void tell_of_ends();
  void take_request();
  [[noreturn]] void be_child(Birth& birth);

  os::Descriptor socket_;
  bool held_interrupts_;  // by us
  std::vector<Served> children_;
};

void Serving::serve() {
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
  auto received = os::receive_descriptors(socket_.get(), 2, sizeof(ForkRequest));
  // The owner has let go of the line.
  if (received.error() == Error::end_of_stream) os::exit_now(0);
  // What came is closed already, which its sender sees.
  if (!received) return;
  auto& [descriptors, payload] = *received;
  ForkRequest request;
  if (descriptors.empty() || payload.size() != sizeof request) return;
  std::memcpy(&request, payload.data(), sizeof request);
  Birth birth{*this, {}, std::move(descriptors.front()), {}};
  const int line = birth.line.get();
  if (descriptors.size() > 1) birth.lifeline = std::move(descriptors.back());
  if (auto room = os::check_room_for(kRoom); !room) return tell(line, refused(room.failure()));
  // With the handle the child gets a hold on the channel, by the fork.
  auto channel = channel::Channel::open(request.channel);
  if (!channel) return tell(line, refused(channel.failure()));
  birth.channel = std::move(*channel);
  auto child = fork_child(
      [](void* given) -> int {
        auto& born_now = *static_cast<Birth*>(given);
        born_now.serving.be_child(born_now);
      },
      &birth, {}, false);
  if (!child) return tell(line, refused(child.failure()));
  children_.push_back({std::move(*child), std::move(birth.line)});
}

void Serving::be_child(Birth& birth) {
  // All that is the template's. An open line of another child would outlive the template.
  children_.clear();
  socket_.reset();
  const int line = birth.line.get();
  if (auto member = memory::join_family(); !member) {
    tell(line, refused(member.failure()));
    os::exit_now(1);
  }
  if (birth.lifeline) os::arm_lifeline(birth.lifeline.release()).value_or_throw();
  tell(line, born());
  birth.line.reset();
  if (held_interrupts_) os::let_signal_in(SIGINT);
  std::exit(run_call([&] { return std::move(birth.channel); }));
}

}  // namespace

std::optional<std::string> take_template_line() { return take_variable(kTemplate); }

void run_template(const std::string& call, const std::string& line) {
  struct Beginning {
    const std::string& line;
    os::Descriptor socket;
    os::FileIdentity file;
  } beginning{line, {}, {}};
  const auto take_socket = [](void* given) {
    auto& [text, socket, file] = *static_cast<Beginning*>(given);
    int number = -1;
    if (!parse_numbers(text, number)) throw Exception(bad_variable(kTemplate, text));
    file = os::identify(number).value_or_throw();
    os::set_inheritable(number, false).value_or_throw();
    socket.reset(number);
    return 0;
  };
  const auto check_socket = [](void* given) {
    auto& [text, socket, file] = *static_cast<Beginning*>(given);
    const auto now = os::identify(socket.get());
    if (now && *now == file) return 0;
    static_cast<void>(socket.release());
    throw Exception(Failure{Error::closed, 0,
                            "the function that was to prepare the template has closed what leads "
                            "to its owner"});
  };
  const bool held_interrupts = os::hold_signal(SIGINT);
  if (run_body(take_socket, &beginning, "template") != 0) std::exit(1);
  if (const int failed = run_taken_call(call); failed != 0) std::exit(failed);
  if (run_body(check_socket, &beginning, "template") != 0) std::exit(1);
  Serving(std::move(beginning.socket), held_interrupts).serve();
}

}  // namespace onecopy::process
