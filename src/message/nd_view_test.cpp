#include <onecopy/nd_view.hpp>

#include <cmath>
#include <complex>
#include <cstring>
#include <map>
#include <numeric>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <tuple>
#include <variant>
#include <vector>

#include <gtest/gtest.h>
#include <onecopy/event.hpp>
#include <onecopy/pipe.hpp>
#include <onecopy/pool.hpp>
#include <onecopy/queue.hpp>
#include <onecopy/shared.hpp>

#include "memory/census.hpp"
#include "memory/family.hpp"
#include "memory/validate.hpp"
#include "message/codec_state.hpp"
#include "message/testing.hpp"
#include "testing/process.hpp"
#include "testing/seed.hpp"

namespace onecopy {

// Gives its array on and throws.
struct GivesAndThrows {
  NdView<double> array;
};

template <>
struct Codec<GivesAndThrows> {
  static void write(Encoder& to, const GivesAndThrows& value) { write_array(to, value.array); }
  static void give(Encoder& to, GivesAndThrows& value) {
    Codec<NdView<double>>::give(to, value.array);
    throw std::runtime_error("after giving");
  }
  static void read(Decoder& from, GivesAndThrows& value) {
    Codec<NdView<double>>::read(from, value.array);
  }

 private:
  static void write_array(Encoder& to, const NdView<double>& array) {
    Codec<NdView<double>>::write(to, array);
  }
};

namespace {

using message::ArrayHead;
using message::ByteBuffer;
using message::ValueWriter;
using message::testing::FakeBlocks;
using message::testing::Random;
using message::testing::up_to;
using onecopy::testing::ended_well;
using onecopy::testing::random_for;
using onecopy::testing::start_process;

// The threshold is 4096 bytes: 512 doubles travel in a block.
constexpr std::size_t kSmall = 511;
constexpr std::size_t kLarge = 512;

std::uint64_t bytes_in_blocks() { return memory::take_census().in_use; }

template <class T = double>
NdView<T> counted(const NdShape& shape) {
  auto made = NdView<T>::for_overwrite(shape);
  for (std::size_t i = 0; i < made.size(); ++i) made.data()[i] = static_cast<T>(i);
  return made;
}

template <class T, std::size_t Rank>
std::vector<std::remove_const_t<T>> elements(const NdView<T, Rank>& view) {
  return {view.span().begin(), view.span().end()};
}

template <class T>
Result<T> through(const T& value) {
  Queue<T> queue;
  queue.put(value);
  return queue.try_get();
}

template <class T>
std::string refusal(const Result<T>& result) {
  return result ? "" : result.failure().message;
}

// Reads what `write` wrote, as Python might have.
template <class T, class Write>
Result<T> read_from(const Write& write) {
  ByteBuffer buffer;
  FakeBlocks blocks;
  ValueWriter writer(buffer);
  write(writer, blocks);
  Decoder::State decoder(buffer.span(), blocks.blocks());
  T value{};
  if (Result<void> decoded = decoder.decode(detail::read_of(value)); !decoded) {
    return std::move(decoded).failure();
  }
  return value;
}

template <class T, class View>
Result<View> read_array(std::vector<std::uint64_t> shape, const std::vector<T>& values,
                        ElementType type, bool fortran_order = false, bool read_only = false) {
  return read_from<View>([&](ValueWriter& writer, FakeBlocks&) {
    const ArrayHead head{type, fortran_order, read_only, shape};
    std::byte* place = writer.array_inline(head, values.size() * sizeof(T));
    if (!values.empty()) std::memcpy(place, values.data(), values.size() * sizeof(T));
  });
}

// -- round trips ----------------------------------------------------------------------------------

template <class T>
void expect_round_trips() {
  for (const std::size_t rows : {std::size_t{0}, std::size_t{1}, std::size_t{3}, kLarge}) {
    NdView<T> sent = NdView<T>::zeros({rows, 10});
    for (std::size_t i = 0; i < sent.size(); ++i) {
      if constexpr (std::is_same_v<T, Float16>) {
        sent.data()[i] = {static_cast<std::uint16_t>(i)};
      } else {
        sent.data()[i] = static_cast<T>(i % 100);
      }
    }
    const auto received = through(sent);
    ASSERT_TRUE(received) << received.failure().text();
    ASSERT_EQ(received->rank(), 2u);
    EXPECT_EQ(received->shape()[0], rows);
    EXPECT_EQ(received->shape()[1], 10u);
    EXPECT_EQ(elements(*received), elements(sent));
    EXPECT_TRUE(received->writable());
    EXPECT_FALSE(received->shared());
  }
}

TEST(NdView, BringsEveryTypeOfElementBack) {
  expect_round_trips<bool>();
  expect_round_trips<signed char>();
  expect_round_trips<char>();
  expect_round_trips<short>();
  expect_round_trips<int>();
  expect_round_trips<long>();
  expect_round_trips<long long>();
  expect_round_trips<unsigned char>();
  expect_round_trips<unsigned short>();
  expect_round_trips<unsigned>();
  expect_round_trips<unsigned long>();
  expect_round_trips<float>();
  expect_round_trips<double>();
  expect_round_trips<long double>();
  expect_round_trips<std::complex<float>>();
  expect_round_trips<std::complex<double>>();
  expect_round_trips<Float16>();
}

// An array of random shape that looks at every second, third ... element of `memory`, some
// backwards.
struct Strided {
  std::vector<std::size_t> shape;
  std::vector<std::ptrdiff_t> strides;
  const double* first = nullptr;
};

Strided random_strided(Random& random, const std::vector<double>& memory) {
  Strided made;
  std::size_t span = 1;
  const std::size_t rank = up_to(random, 4);
  for (std::size_t axis = 0; axis < rank; ++axis) {
    const std::size_t most = memory.size() / span;
    made.shape.push_back(up_to(random, std::min<std::size_t>(most, 12)));
    const std::size_t gap =
        1 +
        up_to(random, std::min<std::size_t>(most / std::max<std::size_t>(made.shape[axis], 1), 3));
    made.strides.push_back(static_cast<std::ptrdiff_t>(span * gap));
    span = std::min(memory.size(), span * gap * std::max<std::size_t>(made.shape[axis], 1));
    if (made.shape[axis] == 0) break;
  }
  // As rows or as columns.
  if (up_to(random, 1) == 1) {
    std::reverse(made.shape.begin(), made.shape.end());
    std::reverse(made.strides.begin(), made.strides.end());
  }
  std::ptrdiff_t first = 0;
  std::ptrdiff_t reach = 0;
  for (std::size_t axis = 0; axis < made.shape.size(); ++axis) {
    if (made.shape[axis] != 0) {
      reach += made.strides[axis] * static_cast<std::ptrdiff_t>(made.shape[axis] - 1);
    }
  }
  if (reach >= static_cast<std::ptrdiff_t>(memory.size())) return random_strided(random, memory);
  for (std::size_t axis = 0; axis < made.shape.size(); ++axis) {
    if (up_to(random, 3) != 0 || made.shape[axis] == 0) continue;
    first += made.strides[axis] * static_cast<std::ptrdiff_t>(made.shape[axis] - 1);
    made.strides[axis] = -made.strides[axis];
  }
  made.first = memory.data() + first;
  return made;
}

// Every element of two arrays of the same shape, index by index.
template <class A, class B>
bool same_elements(const A& a, std::span<const std::ptrdiff_t> a_strides, const B& b,
                   std::span<const std::ptrdiff_t> b_strides, std::span<const std::size_t> shape) {
  std::vector<std::size_t> index(shape.size());
  for (;;) {
    std::ptrdiff_t at_a = 0;
    std::ptrdiff_t at_b = 0;
    for (std::size_t axis = 0; axis < shape.size(); ++axis) {
      if (shape[axis] == 0) return true;
      at_a += static_cast<std::ptrdiff_t>(index[axis]) * a_strides[axis];
      at_b += static_cast<std::ptrdiff_t>(index[axis]) * b_strides[axis];
    }
    if (a[at_a] != b[at_b]) return false;
    std::size_t axis = shape.size();
    while (axis > 0 && ++index[axis - 1] == shape[axis - 1]) index[--axis] = 0;
    if (axis == 0) return true;
  }
}

// NdView::over() with strides that are known only here.
NdView<const double> over(const Strided& strided) {
  const auto* shape = strided.shape.data();
  const auto* step = strided.strides.data();
  const NdShape extents(strided.shape);
  switch (strided.shape.size()) {
    case 0:
      return NdView<const double>::over(strided.first, extents);
    case 1:
      return NdView<const double>::over(strided.first, {shape[0]}, {step[0]});
    case 2:
      return NdView<const double>::over(strided.first, {shape[0], shape[1]}, {step[0], step[1]});
    case 3:
      return NdView<const double>::over(strided.first, extents, {step[0], step[1], step[2]});
    default:
      return NdView<const double>::over(strided.first, extents,
                                        {step[0], step[1], step[2], step[3]});
  }
}

TEST(NdView, SendsArraysOfEveryShapeAndStride) {
  Random random = random_for("nd views, strided");
  std::vector<double> memory(20'000);
  std::iota(memory.begin(), memory.end(), 0.0);
  Queue<NdView<const double>> queue;
  for (int round = 0; round < 2000; ++round) {
    const Strided strided = random_strided(random, memory);
    const NdView<const double> sent = over(strided);
    queue.put(sent);
    const NdView<const double> received = queue.get();

    ASSERT_EQ(std::vector(received.shape().begin(), received.shape().end()), strided.shape);
    ASSERT_TRUE(same_elements(strided.first, strided.strides, received.data(), received.strides(),
                              received.shape()));
    ASSERT_TRUE(received.contiguous() || !sent.contiguous());
  }
}

TEST(NdView, KeepsTheOrderOfFortran) {
  for (const std::size_t rows : {std::size_t{3}, kLarge}) {
    std::vector<double> columns(rows * 2);
    std::iota(columns.begin(), columns.end(), 0.0);
    const auto step = static_cast<std::ptrdiff_t>(rows);
    const auto received =
        through(NdView<double>::over(columns.data(), {rows, 2}, {1, step})).value_or_throw();

    EXPECT_EQ(received.strides()[0], 1);
    EXPECT_EQ(received.strides()[1], step);
    EXPECT_FALSE(received.contiguous());
    EXPECT_EQ(received(2, 1), columns[rows + 2]);
    EXPECT_THROW(static_cast<void>(received.span()), Exception);
  }
}

TEST(NdView, GoesInsideOfOtherValues) {
  using Frame = std::tuple<std::string, NdView<double, 2>, int>;
  Queue<Frame> frames;
  frames.put({"left", NdView<double, 2>::zeros({2, 3}), 7});
  const Frame frame = frames.get();
  EXPECT_EQ(std::get<1>(frame).size(), 6u);
  EXPECT_EQ(std::get<2>(frame), 7);

  Queue<std::map<std::string, NdView<float>>> maps;
  std::map<std::string, NdView<float>> map;
  map.emplace("one", counted<float>({3}));
  map.emplace("two", counted<float>({2000}));
  maps.put(map);
  const auto mapped = maps.get();
  EXPECT_EQ(elements(mapped.at("one")), elements(map.at("one")));
  EXPECT_EQ(elements(mapped.at("two")), elements(map.at("two")));

  Queue<std::vector<std::variant<std::monostate, NdView<int>>>> variants;
  std::vector<std::variant<std::monostate, NdView<int>>> either(2);
  either[1] = counted<int>({4000});
  variants.put(std::move(either));
  EXPECT_EQ(std::get<1>(variants.get()[1])(3999), 3999);

  Pipe<std::optional<NdView<double>>> pipe;
  pipe.first.send(counted({kLarge}));
  pipe.first.send(std::nullopt);
  EXPECT_EQ(pipe.second.recv()->size(), kLarge);
  EXPECT_FALSE(pipe.second.recv());
}

// -- what is copied, and what is not --------------------------------------------------------------

TEST(NdView, LooksAtTheMemoryThatTheMessageCameIn) {
  Queue<NdView<double>> queue;
  NdView<double> sent = counted({8, kLarge});
  const double* const place = sent.data();

  queue.put(std::move(sent));

  EXPECT_EQ(sent.size(), 0u);  // NOLINT(bugprone-use-after-move): that is what is tested.
  EXPECT_EQ(sent.data(), nullptr);
  NdView<double> received = queue.get();
  EXPECT_EQ(received.data(), place);
  EXPECT_EQ(received(7, 5), 7 * kLarge + 5);

  // And on.
  queue.put(std::move(received));
  EXPECT_EQ(queue.get().data(), place);
}

TEST(NdView, IsCopiedWhereItIsNotMoved) {
  Queue<NdView<double>> queue;
  NdView<double> sent = counted({kLarge});
  queue.put(sent);
  sent(0) = -1;

  const NdView<double> received = queue.get();
  EXPECT_NE(received.data(), sent.data());
  EXPECT_EQ(received(0), 0);
  EXPECT_EQ(received(kLarge - 1), kLarge - 1);
}

TEST(NdView, IsMovedOutOfWhatHoldsIt) {
  using Frames = std::map<std::string, std::vector<std::pair<int, NdView<double>>>>;
  Queue<Frames> queue;
  Frames frames;
  frames["a"].emplace_back(1, counted({kLarge}));
  frames["b"].emplace_back(2, counted({kSmall}));
  const double* const place = frames["a"][0].second.data();

  queue.put(std::move(frames));

  Frames received = queue.get();
  EXPECT_EQ(received["a"][0].second.data(), place);
  EXPECT_EQ(elements(received["b"][0].second), elements(counted({kSmall})));
}

TEST(NdView, OfFewBytesHasMemoryOfItsOwn) {
  const std::uint64_t before = bytes_in_blocks();
  NdView<double> small = counted({kSmall});
  EXPECT_EQ(bytes_in_blocks(), before);
  Queue<NdView<double>> queue;
  const std::uint64_t with_queue = bytes_in_blocks();
  queue.put(std::move(small));
  // NOLINTNEXTLINE(bugprone-use-after-move)
  EXPECT_EQ(small.size(), 0u) << "empty, as any that was moved";
  const NdView<double> received = queue.get();
  EXPECT_EQ(elements(received), elements(counted({kSmall})));
  EXPECT_EQ(bytes_in_blocks(), with_queue);
}

TEST(NdView, IsUnchangedWhereItCouldNotBePut) {
  Queue<std::pair<int, NdView<double>>> queue(1);
  queue.put({1, counted({kLarge})});
  std::pair<int, NdView<double>> second(2, counted({kLarge}));
  const double* const place = second.second.data();

  // NOLINTBEGIN(bugprone-use-after-move): that is what is tested.
  EXPECT_EQ(queue.try_put(std::move(second)).error(), Error::full);
  EXPECT_EQ(queue.put_for(std::move(second), std::chrono::milliseconds(1)).error(),
            Error::timed_out);
  EXPECT_EQ(second.second.data(), place);
  EXPECT_EQ(elements(second.second), elements(counted({kLarge})));
  // NOLINTEND(bugprone-use-after-move)

  static_cast<void>(queue.get());
  queue.put(std::move(second));
  EXPECT_EQ(queue.get().second.data(), place);
}

TEST(NdView, IsUnchangedWhereACodecThrows) {
  Queue<GivesAndThrows> queue;
  GivesAndThrows value{counted({kLarge})};
  const double* const place = value.array.data();

  EXPECT_THROW(queue.put(std::move(value)), std::runtime_error);

  EXPECT_EQ(value.array.data(), place);  // NOLINT(bugprone-use-after-move)
  queue.put(value);
  EXPECT_EQ(elements(queue.get().array), elements(value.array));
}

TEST(NdView, OfNothingCannotBeSent) {
  Queue<NdView<double>> queue;
  EXPECT_EQ(queue.try_put(NdView<double>()).error(), Error::invalid);
  EXPECT_EQ(refusal(queue.try_put(NdView<double>())), "an array of no memory cannot be sent");
  EXPECT_EQ(NdView<double>().size(), 0u);
  EXPECT_TRUE(queue.empty());
}

TEST(NdView, IsOneMemoryWhereTheMessageHasItTwice) {
  memory::join_family().value_or_throw();
  const std::uint64_t before = bytes_in_blocks();
  {
    // As Python sends [a, a].
    Encoder::State state;
    const std::uint64_t shape[] = {kLarge};
    const std::vector<double> values(kLarge, 2.5);
    const auto block = message::copy_into_block(state.blocks, values.data(), kLarge * 8);
    state.writer.open_list(2);
    state.writer.array_in_block({.type = ElementType::float64, .shape = shape}, *block, 0, true);
    state.writer.reference(0);
    state.writer.close();
    const memory::BlockIndex index = state.blocks.span()[0];

    std::vector<NdView<double>> both;
    Decoder::State decoder(state.buffer.span(), {.indices = state.blocks.span()});
    decoder.decode(detail::read_of(both)).value_or_throw();
    // As channel::Incoming does.
    EXPECT_EQ(memory::view_count(index), 3u);
    memory::release_view(index);
    state.blocks.delivered();

    EXPECT_EQ(both[0].data(), both[1].data());
    both[0](3) = 7;
    EXPECT_EQ(both[1](3), 7);
    Queue<std::vector<NdView<double>>> queue;
    queue.put(std::move(both));
    const auto copies = queue.get();
    EXPECT_NE(copies[0].data(), copies[1].data()) << "each was seen by the other: both are copied";
    EXPECT_EQ(copies[1](3), 7);
  }
  EXPECT_EQ(bytes_in_blocks(), before);
}

TEST(NdView, OutlivesWhoSentIt) {
  Queue<NdView<double>> queue;
  EXPECT_TRUE(ended_well(start_process([&] { queue.put(counted({100, kLarge})); })));
  memory::reclaim_dead();

  EXPECT_EQ(elements(queue.get()), elements(counted({100, kLarge})));
}

TEST(NdView, IsEachSidesOwnAfterAFork) {
  NdView<double> numbers = counted({10, kLarge});
  Event written;
  Event checked;
  const pid_t child = start_process([&] {
    numbers(0, 0) = -1;
    written.set();
    checked.wait();
    if (numbers(1, 1) != kLarge + 1 || numbers(0, 0) != -1) _exit(1);
  });
  written.wait();
  EXPECT_EQ(numbers(0, 0), 0);
  numbers(1, 1) = -2;
  checked.set();
  EXPECT_TRUE(ended_well(child));
  EXPECT_EQ(numbers(1, 1), -2);

  // What a fork made common is copied and not given away.
  Queue<NdView<double>> queue;
  queue.put(std::move(numbers));
  EXPECT_EQ(queue.get()(1, 1), -2);
}

TEST(NdView, IsFreedWithTheLastWhoHasIt) {
  Queue<NdView<double>> queue;
  queue.put(counted({kLarge}));
  static_cast<void>(queue.get());
  const std::uint64_t before = bytes_in_blocks();
  {
    NdView<double> first = counted({100, kLarge});
    queue.put(first);
    queue.put(std::move(first));
    NdView<double> second = queue.get();
    second = queue.get();
    const NdView<double> third = std::move(second);
    EXPECT_GT(bytes_in_blocks(), before);
    queue.put(third);
  }
  static_cast<void>(queue.get());
  EXPECT_EQ(bytes_in_blocks(), before);
  EXPECT_EQ(memory::validate_memory(), "");
}

TEST(NdView, IsGivenBackByADeadProcess) {
  Queue<NdView<double>> queue;
  Event holding;
  queue.put(counted({kLarge}));
  static_cast<void>(queue.get());
  memory::reclaim_dead();
  const std::uint64_t before = bytes_in_blocks();
  queue.put(counted({100, kLarge}));
  const pid_t child = start_process([&] {
    const NdView<double> received = queue.get();
    const NdView<double> made = counted({100, kLarge});
    holding.set();
    pause();
  });
  holding.wait();
  EXPECT_GE(bytes_in_blocks(), before + 2 * 100 * kLarge * sizeof(double));

  onecopy::testing::kill_process(child);
  memory::reclaim_dead();

  EXPECT_EQ(bytes_in_blocks(), before);
  EXPECT_EQ(memory::validate_memory(), "");
}

TEST(NdView, MayBeDroppedByAnotherThread) {
  Queue<NdView<double>> queue(8);
  std::thread sender([&] {
    for (int i = 0; i < 500; ++i) queue.put(counted({kLarge}));
  });
  for (int i = 0; i < 500; i += 2) {
    std::thread([first = queue.get()] {}).join();
    const NdView<double> second = queue.get();
    ASSERT_EQ(second(kLarge - 1), kLarge - 1);
  }
  sender.join();
  EXPECT_EQ(memory::validate_memory(), "");
}

// It was given back after the arrays that it was taken from had gone.
TEST(NdView, IsGivenBackWhereTheAnswerOfATaskFailsHalfway) {
  Pool pool(1);
  const std::uint64_t before = bytes_in_blocks();
  const auto fail_halfway = [](std::size_t count) {
    std::vector<NdView<double>> answer;
    answer.push_back(NdView<double>::zeros({count}));
    answer.emplace_back();  // of nothing, which cannot be sent
    return answer;
  };

  for (int round = 0; round < 20; ++round) {
    EXPECT_THROW(pool.submit(fail_halfway, kLarge * 1000).get(), Exception);
  }

  EXPECT_LT(bytes_in_blocks(), before + kLarge * 1000 * sizeof(double));
}

TEST(NdView, GoesToAPoolAndBackWithoutACopy) {
  using Answer = std::pair<std::uintptr_t, NdView<double>>;
  Pool pool(1);
  NdView<double> numbers = counted({10, kLarge});
  const auto place = reinterpret_cast<std::uintptr_t>(numbers.data());
  const auto twice = [](NdView<double> array) {
    for (double& number : array.span()) number *= 2;
    const auto seen = reinterpret_cast<std::uintptr_t>(array.data());
    return Answer(seen, std::move(array));
  };

  const Answer answer = pool.submit(twice, std::move(numbers)).get();

  EXPECT_EQ(answer.first, place) << "the arena lies at one address in parent and worker";
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(answer.second.data()), place);
  EXPECT_EQ(answer.second(9, 1), 2 * (9 * kLarge + 1));

  const NdView<double> kept = counted({kLarge});
  const auto sum = [](const NdView<double>& array) { return array(kLarge - 1); };
  EXPECT_EQ(pool.submit(sum, kept).get(), kLarge - 1);
  EXPECT_EQ(elements(kept), elements(counted({kLarge})));
  std::vector<NdView<double>> many;
  many.push_back(counted({kSmall}));
  many.push_back(counted({kLarge}));
  EXPECT_EQ(pool.map([](const NdView<double>& array) { return array.size(); }, many),
            (std::vector<std::size_t>{kSmall, kLarge}));
}

// -- what is refused ------------------------------------------------------------------------------

TEST(NdView, SaysWhatWasWantedAndWhatCame) {
  EXPECT_EQ(refusal(read_array<float, NdView<double>>({2}, {1, 2}, ElementType::float32)),
            "an array of float64 was wanted, and this is one of float32 in 1 dimension");
  EXPECT_EQ(refusal(read_array<double, NdView<double, 2>>({2}, {1, 2}, ElementType::float64)),
            "an array of float64 in 2 dimensions was wanted, and this is one of float64 in 1 "
            "dimension");
  EXPECT_EQ(refusal(read_array<double, NdView<double, 1>>({1, 2}, {1, 2}, ElementType::float64)),
            "an array of float64 in 1 dimension was wanted, and this is one of float64 in 2 "
            "dimensions");
  EXPECT_EQ(
      refusal(read_array<double, NdView<double>>({2}, {1, 2}, ElementType::float64, false, true)),
      "an array of float64 was wanted to be written, and this one may only be read: an "
      "NdView of const elements takes it");
  EXPECT_EQ(refusal(read_from<NdView<double>>([](auto& writer, auto&) {
              const double values[] = {1, 2};
              writer.reals(values);
            })),
            "an array of float64 was wanted, and the message has a list of floating-point numbers");
  EXPECT_EQ(refusal(read_from<NdArray>([](auto& writer, auto&) { writer.integer(5); })),
            "an array was wanted, and the message has an integer");
}

TEST(NdView, OfConstElementsTakesWhatMayOnlyBeRead) {
  auto received = read_array<double, NdView<const double>>({2, 2}, {1, 2, 3, 4},
                                                           ElementType::float64, true, true);
  ASSERT_TRUE(received) << received.failure().text();
  EXPECT_FALSE(received->writable());
  EXPECT_EQ((*received)(0, 1), 3) << "in the order of Fortran";

  // It stays so on its way, and however it is looked at.
  auto forwarded = through(*received).value_or_throw();
  EXPECT_FALSE(forwarded.writable());
  NdArray array(std::move(forwarded));
  EXPECT_THROW(array.view<double>(), Exception);
  EXPECT_EQ(array.view<const double>()(1, 0), 2);
  EXPECT_EQ(NdView<double>::of(std::move(array)).error(), Error::invalid);
}

TEST(NdView, RefusesWhatIsNoTruthValue) {
  EXPECT_TRUE((read_array<unsigned char, NdView<bool>>({3}, {0, 1, 1}, ElementType::boolean)));
  EXPECT_EQ(
      (refusal(read_array<unsigned char, NdView<bool>>({3}, {0, 1, 2}, ElementType::boolean))),
      "an array of bool was wanted, and in this one is what is neither true nor false");
}

TEST(NdView, ChecksIndicesWhereItIsAskedTo) {
  NdView<double> view = counted({3, 4});
  EXPECT_EQ(view.at(2, 3), 11);
  view.at(2, 3) = 5;
  EXPECT_EQ(view(2, 3), 5);
  EXPECT_THROW(view.at(3, 0), Exception);
  EXPECT_THROW(view.at(0, 4), Exception);
  EXPECT_THROW(view.at(0, -1), Exception);
  EXPECT_THROW(view.at(0), Exception);
  EXPECT_THROW(view.at(), Exception);
  EXPECT_THROW(NdView<double>().at(), Exception);
  try {
    view.at(3, 9);
  } catch (const Exception& exception) {
    EXPECT_STREQ(exception.what(), "there is no element (3, 9) in an array of shape (3, 4)");
  }
  EXPECT_EQ(NdView<double>::zeros({}).at(), 0) << "one element, without dimensions";
}

TEST(NdView, RefusesShapesThatCannotBe) {
  const std::size_t huge = std::size_t{1} << 40;
  EXPECT_EQ(NdView<double>::create({huge, huge}).error(), Error::no_memory);
  EXPECT_EQ(NdView<double>::create({0, huge, huge}).error(), Error::no_memory);
  EXPECT_EQ(NdView<double>::create(std::vector<std::size_t>(65, 1)).error(), Error::invalid);
  EXPECT_TRUE(NdView<double>::create(std::vector<std::size_t>(64, 1)));
  EXPECT_EQ((NdView<double, 2>::create({4}).error()), Error::invalid);
  const double number = 1;
  EXPECT_THROW(NdView<const double>::over(&number, {1}, {1, 1}), Exception);
  EXPECT_THROW(NdView<double>::zeros({std::size_t{1} << 50}), Exception);
}

// -- shared arrays --------------------------------------------------------------------------------

// What a message with an array in `memory` is read as; Python has made a view of what it shares.
template <class To>
Result<To> read_shared(const Shared<double>& memory, std::vector<std::uint64_t> shape,
                       std::vector<std::int64_t> strides, std::uint64_t offset,
                       ElementType type = ElementType::float64, bool read_only = false) {
  Encoder::State encoder;
  encoder.encode(detail::write_of(memory)).value_or_throw();
  ByteBuffer body;
  ValueWriter(body).shared_array({.type = type, .read_only = read_only, .shape = shape}, strides, 0,
                                 offset);
  Decoder::State decoder(body.span(), {.indices = encoder.blocks.span()});
  To read{};
  if (auto decoded = decoder.decode(detail::read_of(read)); !decoded) {
    return std::move(decoded).failure();
  }
  return read;
}

TEST(NdView, OfSharedMemoryStaysOneMemory) {
  Shared<double> memory(1000);
  std::iota(memory.span().begin(), memory.span().end(), 0.0);
  // memory.reshape(10, 100)[::-2, 5::10].
  auto view = read_shared<NdView<double, 2>>(memory, {5, 10}, {-1600, 80}, 8 * 905);
  ASSERT_TRUE(view) << view.failure().text();

  EXPECT_TRUE(view->shared());
  EXPECT_FALSE(view->contiguous());
  EXPECT_EQ((*view)(0, 0), 905);
  EXPECT_EQ((*view)(4, 9), 905 - 800 + 90);
  (*view)(1, 1) = -1;
  EXPECT_EQ(memory.span()[905 - 200 + 10], -1);

  // Copied or moved, it is a reference that travels; with gaps or without.
  Queue<NdView<double, 2>> queue;
  queue.put(*view);
  queue.put(std::move(*view));
  EXPECT_FALSE(view->shared());
  for (int i = 0; i < 2; ++i) {
    NdView<double, 2> again = queue.get();
    EXPECT_TRUE(again.shared());
    EXPECT_EQ(again(1, 1), -1);
    EXPECT_EQ(again(4, 9), 195);
  }
  auto whole = read_shared<NdView<double>>(memory, {10, 100}, {800, 8}, 0).value_or_throw();
  EXPECT_EQ(whole.data(), memory.span().data());
  EXPECT_EQ(whole.span().size(), 1000u);
}

TEST(NdView, OfSharedMemoryIsRefusedWhereItCannotBeLookedAt) {
  const Shared<double> memory(100);
  EXPECT_EQ(read_shared<NdView<double>>(memory, {11, 10}, {80, 8}, 0).error(), Error::corrupt);
  EXPECT_EQ(read_shared<NdView<double>>(memory, {2}, {-8}, 0).error(), Error::corrupt);
  EXPECT_EQ(read_shared<NdView<double>>(memory, {2}, {1ll << 62}, 0).error(), Error::corrupt);
  EXPECT_EQ(read_shared<NdView<double>>(memory, {1}, {8}, ~std::uint64_t{0} - 3).error(),
            Error::corrupt);
  EXPECT_EQ(read_shared<NdView<double>>(memory, {2}, {8}, 4).error(), Error::invalid);
  EXPECT_EQ(read_shared<NdView<double>>(memory, {2}, {12}, 0).error(), Error::invalid);
  EXPECT_EQ(read_shared<NdView<double>>(memory, {2}, {8}, 0, ElementType::float64, true).error(),
            Error::invalid);
  EXPECT_TRUE(
      (read_shared<NdView<std::complex<double>>>(memory, {2}, {16}, 8, ElementType::complex128)))
      << "a complex number lies where its parts may";
  EXPECT_EQ(read_shared<NdView<float>>(memory, {3}, {4}, 4).failure().message,
            "an array of float32 was wanted, and this is one of float64 in 1 dimension");
}

// A fuzzer found that it was taken for one whose elements lie in the message, which has none.
TEST(NdView, OfSharedMemoryIsRefusedWhereItsBlockRefersToNone) {
  Encoder::State encoder;
  encoder.encode(detail::write_of(std::vector<std::uint8_t>(100'000))).value_or_throw();
  ASSERT_EQ(encoder.blocks.span().size(), 1u);
  for (const auto type : {ElementType::float64, ElementType::boolean}) {
    const std::uint64_t shape[] = {1000};
    const std::int64_t strides[] = {static_cast<std::int64_t>(message::item_size(type))};
    ByteBuffer body;
    ValueWriter(body).shared_array({.type = type, .shape = shape}, strides, 0, 0);
    Decoder::State decoder(body.span(), {.indices = encoder.blocks.span()});
    NdArray read;

    EXPECT_EQ(decoder.decode(detail::read_of(read)).error(), Error::corrupt);
  }
}

// -- Float16 --------------------------------------------------------------------------------------

TEST(Float16, IsTheNumberThatItsBitsSay) {
  for (unsigned bits = 0; bits < 0x10000; ++bits) {
    const float number = static_cast<float>(Float16{static_cast<std::uint16_t>(bits)});
    const int exponent = static_cast<int>(bits >> 10 & 0x1f);
    const int fraction = static_cast<int>(bits & 0x3ff);
    ASSERT_EQ(std::signbit(number), bits >= 0x8000) << bits;
    if (exponent == 31) {
      ASSERT_EQ(std::isinf(number), fraction == 0) << bits;
      ASSERT_EQ(std::isnan(number), fraction != 0) << bits;
    } else {
      const double expected =
          exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(1024 + fraction, exponent - 25);
      ASSERT_EQ(std::abs(static_cast<double>(number)), expected) << bits;
    }
  }
}

// -- std::span ------------------------------------------------------------------------------------

TEST(Span, IsSentAsAVector) {
  std::vector<double> numbers(kLarge, 0.5);
  Encoder::State encoder;
  memory::join_family().value_or_throw();
  const std::tuple<int, std::span<double>, std::span<const double, 2>> value(
      1, numbers, std::span<const double, 2>(numbers.data(), 2));
  encoder.encode(detail::write_of(value)).value_or_throw();
  Decoder::State decoder(encoder.buffer.span(), {.indices = encoder.blocks.span()});
  std::tuple<int, std::vector<double>, std::vector<double>> read;
  decoder.decode(detail::read_of(read)).value_or_throw();

  EXPECT_EQ(std::get<1>(read), numbers);
  EXPECT_EQ(std::get<2>(read).size(), 2u);
}

}  // namespace
}  // namespace onecopy
