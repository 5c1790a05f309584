#include <onecopy/shared.hpp>

#include <numeric>
#include <vector>

#include <gtest/gtest.h>
#include <onecopy/event.hpp>
#include <onecopy/pool.hpp>
#include <onecopy/queue.hpp>

#include "memory/census.hpp"
#include "memory/family.hpp"
#include "memory/validate.hpp"
#include "message/codec_state.hpp"
#include "testing/process.hpp"

namespace onecopy {
namespace {

using onecopy::testing::ended_well;
using onecopy::testing::start_process;

std::vector<double> counted(std::size_t size) {
  std::vector<double> numbers(size);
  std::iota(numbers.begin(), numbers.end(), 0.5);
  return numbers;
}

std::vector<double> copied(const Shared<double>& shared) {
  return {shared.span().begin(), shared.span().end()};
}

// What a message with an array in `memory` is read as.
template <class To>
Result<To> read_from(const Shared<double>& memory, std::vector<std::uint64_t> shape,
                     std::vector<std::int64_t> strides, std::uint64_t offset,
                     bool read_only = false) {
  Encoder::State encoder;
  encoder.encode(detail::write_of(memory)).value_or_throw();
  message::ByteBuffer body;
  message::ValueWriter(body).shared_array(
      {.type = ElementType::float64, .read_only = read_only, .shape = shape}, strides, 0, offset);
  Decoder::State decoder(body.span(), {.indices = encoder.blocks.span()});
  To read{};
  if (auto decoded = decoder.decode(detail::read_of(read)); !decoded) {
    return std::move(decoded).failure();
  }
  return read;
}

TEST(Shared, IsOneMemoryForWhoSendsAndWhoReceivesIt) {
  Queue<Shared<double>> queue;
  Event written;
  const pid_t child = start_process([&] {
    Shared<double> received = queue.get();
    received.span()[7] = 2.5;
    written.set();
  });

  // Made after the process.
  Shared<double> table(1000);
  queue.put(table);
  written.wait();

  EXPECT_EQ(table.span()[7], 2.5);
  EXPECT_EQ(table.span()[8], 0);
  EXPECT_TRUE(ended_well(child));
}

TEST(Shared, BeginsWithACopy) {
  std::vector<double> numbers = counted(100'000);
  const Shared<double> shared = share(numbers);
  numbers[0] = 7;

  EXPECT_EQ(copied(shared), counted(100'000));
  EXPECT_EQ(share(std::vector<int>()).size(), 0u);
}

TEST(Shared, OutlivesWhoSentIt) {
  Queue<Shared<double>> queue;
  EXPECT_TRUE(ended_well(start_process([&] { queue.put(share(counted(100'000))); })));
  memory::reclaim_dead();

  EXPECT_EQ(copied(queue.get()), counted(100'000));
}

TEST(Shared, GoesInPartsToo) {
  Queue<std::vector<Shared<double>>> queue;
  Shared<double> whole = share(counted(10));
  std::vector<Shared<double>> parts;
  parts.push_back(whole.part(0, 4));
  parts.push_back(whole.part(4, 6));
  parts.push_back(whole.part(10, 0));

  queue.put(parts);
  std::vector<Shared<double>> received = queue.get();
  received[1].span()[0] = -1;

  EXPECT_EQ(received[0].size(), 4u);
  EXPECT_EQ(received[2].size(), 0u);
  EXPECT_EQ(whole.span()[4], -1);
  EXPECT_THROW(whole.part(5, 6), Exception);
  EXPECT_THROW(whole.part(11, 0), Exception);
}

TEST(Shared, IsFilledByThePartsOfAPool) {
  Pool pool(2);
  Shared<double> table(1000);
  std::vector<std::pair<int, Shared<double>>> parts;
  parts.reserve(4);
  for (int i = 0; i < 4; ++i) {
    parts.emplace_back(i, table.part(static_cast<std::size_t>(i) * 250, 250));
  }

  pool.map(
      [](std::pair<int, Shared<double>>& part) {
        for (double& number : part.second.span()) number = part.first;
      },
      parts);

  EXPECT_EQ(table.span()[249], 0);
  EXPECT_EQ(table.span()[999], 3);
}

TEST(Shared, IsReadAsAVectorToo) {
  const Shared<double> shared = share(counted(10'000));

  EXPECT_EQ(*read_from<std::vector<double>>(shared, {10'000}, {8}, 0), counted(10'000));
  EXPECT_EQ(*read_from<std::vector<float>>(shared, {2}, {8}, 16), (std::vector<float>{2.5, 3.5}));
  EXPECT_EQ(*read_from<std::vector<double>>(shared, {1}, {-24}, 8, true),
            (std::vector<double>{1.5}))
      << "the stride of one element says nothing";
}

TEST(Shared, IsRefusedWhereItIsNoneOrAnother) {
  const Shared<double> shared = share(counted(10));

  EXPECT_EQ(read_from<Shared<float>>(shared, {10}, {8}, 0).error(), Error::invalid);
  EXPECT_EQ(read_from<Shared<double>>(shared, {2, 5}, {40, 8}, 0).error(), Error::invalid);
  EXPECT_EQ(read_from<Shared<double>>(shared, {5}, {16}, 0).error(), Error::invalid);
  EXPECT_EQ(read_from<std::vector<double>>(shared, {5}, {16}, 0).failure().text(),
            "a sequence was wanted, and the message has a shared array");
  EXPECT_EQ(read_from<Shared<double>>(shared, {10}, {8}, 0, true).failure().text(),
            "the shared array of the message may only be read, not written");
  EXPECT_EQ(Queue<Shared<double>>().try_put(Shared<double>()).error(), Error::invalid);
}

TEST(Shared, IsCorruptWhereItLeavesItsMemory) {
  const Shared<double> shared = share(counted(10));
  const std::uint64_t most = std::uint64_t{1} << 61;

  for (const auto& [count, offset] : {std::pair<std::uint64_t, std::uint64_t>{11, 0},
                                      {10, 8},
                                      {1, 80},
                                      {1, most},
                                      {most / 8, 0}}) {
    EXPECT_EQ(read_from<std::vector<double>>(shared, {count}, {8}, offset).error(), Error::corrupt)
        << count << " from " << offset;
  }
}

TEST(Shared, IsRefusedWhereItWouldNotFit) {
  EXPECT_EQ(Shared<double>::create(std::size_t(-1) / 4).error(), Error::no_memory);
}

TEST(Shared, IsFreedWithTheLastWhoHasIt) {
  Queue<Shared<double>> queue;
  queue.put(Shared<double>(1));
  {
    const Shared<double> warm = queue.get();
  }
  memory::reclaim_dead();
  const std::uint64_t before = memory::take_census().in_use;
  {
    Shared<double> first = share(counted(100'000));
    Shared<double> second = first.part(0, 10);
    queue.put(first);
    first = std::move(second);
    onecopy::testing::kill_process(start_process([] { pause(); }));
    memory::reclaim_dead();
    EXPECT_GT(memory::take_census().in_use, before);
    EXPECT_EQ(queue.get().size(), 100'000u);
    queue.put(first);
  }
  EXPECT_EQ(copied(queue.get()), counted(10));
  EXPECT_EQ(memory::take_census().in_use, before);
  EXPECT_EQ(memory::validate_memory(), "");
}

}  // namespace
}  // namespace onecopy
