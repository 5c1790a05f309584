// A task of a pool on its way: submitted to a worker that is busy, done by a worker, and its answer
// taken in. The worker's side is what every worker runs, in this very process.
#include <cstdlib>

#include <onecopy/event.hpp>
#include <onecopy/pool.hpp>

#include "counted.hpp"
#include "message/codec_state.hpp"
#include "pool/answer.hpp"
#include "pool/call.hpp"
#include "pool/crew.hpp"
#include "pool/serve.hpp"

namespace onecopy::instructions {
namespace {

constexpr auto kAddOne = [](int number) { return number + 1; };

void check(bool good) {
  if (!good) std::abort();
}

void count_submit() {
  Event end;
  Pool pool(1);
  // Keeps the one worker from all that follows.
  const auto busy = pool.submit([event = inherited(end)] { event->wait(); });
  count("task-submit", [&] { static_cast<void>(pool.submit(kAddOne, 1)); });
  pool.terminate();
}

void put_task(pool::Crew& crew) {
  using Types = detail::TaskOf<decltype(kAddOne), int>;
  Encoder::State state;
  check(state.encode(detail::ArgumentsWrite<int>(1).write()).has_value());
  pool::append_callee(state.buffer, Types::send(kAddOne));
  std::uint32_t number = 0;
  check(crew.put({channel::Kind::value, state.buffer.span(), state.blocks.span()},
                 channel::Contend::yes, number) == channel::Put::done);
}

void take_in(pool::Crew& crew) {
  channel::Incoming answer;
  check(crew.get(answer, channel::Contend::yes) == channel::Get::done);
  const auto verdict = pool::cut_off_verdict(answer);
  int number = 0;
  Decoder::State decoder(answer.body, {.indices = answer.blocks});
  check(decoder.decode(detail::read_of(number)).has_value());
  check(verdict && verdict->success && number == 2);
}

// Of so many tasks: what one worker does until the pool closes, and the taking in.
void serve(int tasks, bool counted) {
  pool::Crew crew = pool::Crew::create(1).value_or_throw();
  for (int i = 0; i < tasks; ++i) put_task(crew);
  crew.close();
  if (counted) start_counting();
  const int code = pool::serve(crew.name(), 0);
  if (counted) stop_counting("task-serve");
  check(code == 0);
  if (counted) start_counting();
  for (int i = 0; i < tasks; ++i) take_in(crew);
  if (counted) stop_counting("task-take-in");
}

}  // namespace

void count_tasks() {
  serve(kWarmUp, false);
  serve(kTimes, true);
  count_submit();
}

}  // namespace onecopy::instructions
