// Uses the installed library as a program outside this repository would, and checks what it
// answers.
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <map>
#include <numeric>
#include <span>
#include <string>
#include <vector>

#include <onecopy/array.hpp>
#include <onecopy/pool.hpp>
#include <onecopy/process.hpp>
#include <onecopy/queue.hpp>
#include <onecopy/shared.hpp>
#include <onecopy/version.hpp>

using namespace std::chrono_literals;

namespace {

int failures = 0;

void expect(bool fulfilled, const char* what) {
  if (fulfilled) return;
  std::fprintf(stderr, "FAILED: %s\n", what);
  ++failures;
}

}  // namespace

int main() {
  std::vector<std::vector<double>> blocks;
  for (int i = 0; i < 8; ++i) blocks.emplace_back(100'000, i);
  onecopy::Pool pool(2);
  const std::vector<double> sums = pool.map(
      [](std::span<const double> block) {
        return std::accumulate(block.begin(), block.end(), 0.0);
      },
      blocks);
  expect(sums == std::vector<double>{0, 1e5, 2e5, 3e5, 4e5, 5e5, 6e5, 7e5}, "what a pool answers");
  onecopy::Future<std::string> thrown = pool.submit(
      [](int number) {
        return std::vector<std::string>{"only"}.at(static_cast<std::size_t>(number));
      },
      1);
  expect(thrown.get_for(60s).error() == onecopy::Error::task_failed, "what a task throws");

  using Counts = std::map<std::string, std::vector<int>>;
  onecopy::Array<long> squares(100);
  onecopy::Queue<onecopy::Shared<double>> tables;
  onecopy::Queue<Counts> answers;
  auto child = onecopy::Process::start([&] {
                 onecopy::Shared<double> table = tables.get();
                 for (double& number : table.span()) number += 1;
                 for (std::size_t i = 0; i < squares.size(); ++i) {
                   squares.set(i, static_cast<long>(i * i));
                 }
                 answers.put({{"size", {static_cast<int>(table.size())}}, {"none", {}}});
               }).value_or_throw();
  onecopy::Shared<double> table(1000);
  tables.put(table);
  expect(answers.get_for(60s).value_or_throw() == Counts{{"size", {1000}}, {"none", {}}},
         "what comes through a queue");
  expect(table.span().front() == 1 && table.span().back() == 1, "what is shared");
  expect(squares.get(99) == 99 * 99, "what an array has");
  expect(child.join().value_or_throw() == 0, "how a process ends");

  if (failures == 0) std::printf("onecopy %s works\n", onecopy::kVersionText);
  return failures == 0 ? 0 : 1;
}
