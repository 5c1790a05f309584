#include "pool/serve.hpp"

#include <cstdio>
#include <optional>
#include <utility>

#include "message/codec_state.hpp"
#include "os/system.hpp"
#include "pool/answer.hpp"
#include "pool/call.hpp"
#include "pool/worker.hpp"

namespace onecopy::pool {
namespace {

using channel::Contend;
using channel::Get;
using channel::Incoming;
using channel::Put;
using detail::TaskFailure;

class TaskCall final : public detail::Call {
 public:
  TaskCall(Incoming& message, std::span<const std::byte> captured, Encoder::State& result) noexcept
      : message_(message), captured_(captured), result_(result) {}

  std::span<const std::byte> captured() const noexcept override { return captured_; }

  void read(detail::ValueRead arguments) override {
    Decoder::State decoder(message_.body, {.indices = message_.blocks});
    decoder.decode(arguments).value_or_throw();
    // So that the function may give on what it has been given.
    message_.let_go_of_kept();
  }

  void answer(detail::ValueWrite result) override {
    // The result itself is gone before the answer is sent, or before anybody sees what was thrown.
    try {
      result_.encode(result).value_or_throw();
    } catch (...) {
      result_.return_gifts();
      throw;
    }
    result_.keep_gifts();
  }

 private:
  Incoming& message_;
  std::span<const std::byte> captured_;
  Encoder::State& result_;
};

// Everything the layout of answers says is here.
Put put_answer(Worker& worker, Encoder::State& answer, std::uint32_t number, bool success) {
  append_verdict(answer.buffer, {number, success});
  if (answer.buffer.failed()) return Put::no_memory;
  const channel::Outgoing message{
      .kind = channel::Kind::value, .body = answer.buffer.span(), .blocks = answer.blocks.span()};
  Put outcome = worker.answer(message, Contend::yes);
  while (outcome == Put::busy) outcome = worker.answer(message, Contend::yes);
  if (outcome == Put::done) answer.delivered();
  return outcome;
}

// Why there is no result; nothing: it is in `result`.
std::optional<TaskFailure> call(Incoming& task, Encoder::State& result) {
  const auto callee = cut_off_callee(task);
  if (!callee || task.kind != channel::Kind::value) return TaskFailure{{Error::corrupt}};
  TaskCall call(task, callee->captured, result);
  try {
    callee->invoker(call);
    return std::nullopt;
  } catch (...) {
    // What cannot be sent is no fault of the function.
    if (result.failure.code != Error::none) return TaskFailure{result.failure};
    return failure_of_exception();
  }
}

Put put_failure(Worker& worker, const TaskFailure& failure, std::uint32_t number) {
  Encoder::State answer;
  if (Result<void> encoded = answer.encode(detail::write_of(failure)); !encoded) {
    return Put::no_memory;
  }
  return put_answer(worker, answer, number, false);
}

Put do_task(Worker& worker, Incoming& task, std::uint32_t number) {
  std::optional<TaskFailure> failure;
  {
    Encoder::State result;
    failure = call(task, result);
    // The arguments are free before the answer is there.
    task.discard();
    if (!failure) {
      const Put outcome = put_answer(worker, result, number, true);
      if (outcome != Put::no_memory) return outcome;
      failure = TaskFailure{channel::last_put_failure()};
    }
  }
  return put_failure(worker, *failure, number);
}

int give_up(const char* why) {
  std::fprintf(stderr, "onecopy: worker %d of a pool cannot go on: %s\n", os::process_id(), why);
  return 1;
}

}  // namespace

int serve(const Name& name, std::uint32_t seat) {
  auto made = Worker::open(name, seat);
  if (!made) return give_up(made.failure().text().c_str());
  Worker& worker = *made;
  for (;;) {
    const bool closing = worker.is_closing();
    Incoming task;
    std::uint32_t number = 0;
    switch (worker.take(task, Contend::yes, number)) {
      case Get::done:
        if (do_task(worker, task, number) != Put::done) {
          return give_up("there is no memory for an answer");
        }
        break;
      case Get::empty:
        if (closing) return 0;
        worker.wait_for_task(os::Deadline::never());
        break;
      case Get::busy:
        break;
      case Get::corrupt:
      case Get::closed:
        return give_up("the tasks cannot be read");
    }
  }
}

}  // namespace onecopy::pool
