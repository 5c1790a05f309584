#include <onecopy/codec.hpp>

#include <array>
#include <cmath>
#include <complex>
#include <limits>
#include <map>
#include <numeric>
#include <optional>
#include <string>
#include <tuple>
#include <unordered_map>
#include <variant>
#include <vector>

#include <gtest/gtest.h>

#include "memory/family.hpp"
#include "message/codec_state.hpp"
#include "message/testing.hpp"

namespace onecopy {

// A type with a codec of its own, although its bytes would do.
struct Celsius {
  double degrees = 0;
  bool operator==(const Celsius&) const = default;
};

template <>
struct Codec<Celsius> {
  static void write(Encoder& to, const Celsius& value) { to.real(value.degrees); }
  static void read(Decoder& from, Celsius& value) { value.degrees = from.real(); }
};

// Looks like a complex number and is none: an angle and a length.
struct Polar {
  using value_type = double;
  Polar() = default;
  Polar(double a, double l) : angle(a), length(l) {}
  double real() const { return 0; }
  double imag() const { return 0; }
  bool operator==(const Polar&) const = default;
  double angle = 0;
  double length = 0;
};

template <>
struct Codec<Polar> {
  static void write(Encoder& to, const Polar& value) {
    Codec<std::pair<double, double>>::write(to, {value.angle, value.length});
  }
  static void read(Decoder& from, Polar& value) {
    std::pair<double, double> read;
    Codec<std::pair<double, double>>::read(from, read);
    value = Polar(read.first, read.second);
  }
};

// A map with a codec of its own.
template <class Key, class Value>
struct LastWins : std::map<Key, Value> {};

template <class Key, class Value>
struct Codec<LastWins<Key, Value>> {
  static void write(Encoder& to, const LastWins<Key, Value>& values) {
    Codec<Value>::write(to, values.rbegin()->second);
  }
  static void read(Decoder& from, LastWins<Key, Value>& values) {
    Codec<Value>::read(from, values[Key{}]);
  }
};

namespace {

using message::ByteBuffer;
using message::Tag;
using message::ValueWriter;
using message::testing::FakeBlocks;

struct Point {
  float x = 0;
  float y = 0;
  int label = 0;
  bool operator==(const Point&) const = default;
};

struct OtherPoint {
  float x = 0;
  float y = 0;
  int label = 0;
};

enum class Colour : std::uint8_t { red, green };

template <class To, class From>
Result<To> sent_as(const From& value) {
  memory::join_family().value_or_throw();
  Encoder::State encoder;
  if (Result<void> encoded = encoder.encode(detail::write_of(value)); !encoded) {
    return std::move(encoded).failure();
  }
  Decoder::State decoder(encoder.buffer.span(), {.indices = encoder.blocks.span()});
  To read{};
  if (Result<void> decoded = decoder.decode(detail::read_of(read)); !decoded) {
    return std::move(decoded).failure();
  }
  return read;
}

template <class T>
void expect_same(const T& value) {
  Result<T> read = sent_as<T>(value);
  ASSERT_TRUE(read) << read.failure().text();
  EXPECT_TRUE(*read == value);
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

// The message that a value becomes.
template <class T>
class Message {
 public:
  explicit Message(const T& value) {
    memory::join_family().value_or_throw();
    state_.encode(detail::write_of(value)).value_or_throw();
    message::ValueReader reader(state_.buffer.span(), {.indices = state_.blocks.span()});
    EXPECT_TRUE(reader.next(first));
  }

  message::Item first;

 private:
  Encoder::State state_;
};

template <class T>
std::string refusal(const Result<T>& result) {
  return result ? "" : result.failure().message;
}

TEST(Codec, BringsNumbersBack) {
  expect_same(true);
  expect_same('x');
  expect_same(std::numeric_limits<std::int64_t>::min());
  expect_same(std::numeric_limits<std::int64_t>::max());
  expect_same(std::numeric_limits<std::uint64_t>::max());
  expect_same(std::uint64_t{1} << 63);
  expect_same(static_cast<std::uint8_t>(255));
  expect_same(0.1);
  expect_same(0.1f);
  expect_same(std::numeric_limits<long double>::max());
  expect_same(std::complex<double>(1, -2));
  expect_same(std::complex<float>(1, -2));
  expect_same(std::byte{200});
  expect_same(Colour::green);
}

TEST(Codec, BringsTextAndBytesBack) {
  expect_same(std::string());
  expect_same(std::string("na\xc3\xafve"));
  expect_same(std::string("\xff\x00 not text", 11));
  expect_same(std::string(100'000, 's'));
  expect_same(std::vector<std::byte>(5, std::byte{7}));
  expect_same(std::vector<std::byte>(50'000, std::byte{7}));
}

TEST(Codec, BringsContainersBack) {
  expect_same(std::vector<int>{1, 2, 3});
  expect_same(std::vector<double>());
  expect_same(std::vector<bool>{true, false, true});
  expect_same(std::vector<long double>{1, 2});
  expect_same(std::vector<std::complex<double>>{{1, 2}, {3, 4}});
  expect_same(std::vector<std::string>{"one", "two"});
  expect_same(std::vector<std::vector<double>>{{1, 2}, {}, {3}});
  expect_same(std::vector<std::optional<double>>{1.0, std::nullopt});
  expect_same(std::array<double, 3>{1, 2, 3});
  expect_same(std::array<std::string, 2>{"a", "b"});
  expect_same(std::pair<int, std::string>{1, "one"});
  expect_same(std::tuple<int, double, std::string>{1, 2.5, "three"});
  expect_same(std::tuple<>{});
  expect_same(std::optional<std::string>{});
  expect_same(std::map<std::string, std::vector<double>>{{"a", {1}}, {"b", {}}});
  expect_same(std::unordered_map<int, std::string>{{1, "one"}, {2, "two"}});
  expect_same(std::map<int, std::map<int, bool>, std::greater<>>{{1, {{2, true}}}, {3, {}}});
  expect_same(std::monostate{});
}

TEST(Codec, BringsVariantsBack) {
  using Either = std::variant<std::monostate, int, std::string, std::vector<double>, int>;
  expect_same(Either());
  expect_same(Either(std::in_place_index<1>, 5));
  expect_same(Either(std::in_place_index<4>, 5));
  expect_same(Either("text"));
  expect_same(Either(std::vector<double>(10'000, 0.5)));
  expect_same(std::vector<Either>{Either("one"), Either()});
}

TEST(Codec, RefusesAVariantThatHasNoSuchKind) {
  using Either = std::variant<int, std::string>;
  const std::string wrong = refusal(sent_as<Either>(std::pair<int, int>(2, 5)));
  EXPECT_NE(wrong, "");
  EXPECT_NE(refusal(sent_as<Either>(std::pair<int, int>(1, 5))), "") << "a number is no string";
  EXPECT_NE(refusal(sent_as<Either>(5)), "");
}

TEST(Codec, BringsLargeVectorsBackThroughBlocks) {
  std::vector<double> numbers(200'000);
  std::iota(numbers.begin(), numbers.end(), 0.5);
  expect_same(numbers);
  expect_same(std::vector<std::uint16_t>(10'000, 3));
  expect_same(std::vector<std::vector<double>>(3, numbers));
}

TEST(Codec, BringsStructsBackAsBytes) {
  expect_same(Point{1, 2, 3});
  expect_same(std::vector<Point>(1000, Point{4, 5, 6}));
  expect_same(std::map<int, Point>{{1, {1, 1, 1}}});
  expect_same(std::optional<Point>{{1, 2, 3}});
}

TEST(Codec, UsesTheCodecOfTheUser) {
  EXPECT_EQ(Message(Celsius{20.5}).first.tag, Tag::real);
  expect_same(std::vector<Celsius>{{1.5}, {2.5}});
  EXPECT_EQ(Message(Polar(1, 2)).first.tag, Tag::tuple);
  expect_same(std::vector<Polar>{{1, 2}, {3, 4}});
  EXPECT_EQ((Message(LastWins<int, int>{{{1, 2}, {3, 4}}}).first.tag), Tag::integer);
}

TEST(Codec, BringsComplexNumbersAsArraysOfThem) {
  const Message message(std::vector<std::complex<float>>(3));
  EXPECT_EQ(message.first.tag, Tag::array);
  EXPECT_EQ(message.first.data_type, ElementType::complex64);
  EXPECT_EQ(Message(std::complex<double>(1, 2)).first.tag, Tag::complex);
  EXPECT_EQ(*sent_as<std::complex<double>>(2.5), 2.5) << "a real number will do";
}

TEST(Codec, WritesWhatPythonUnderstands) {
  EXPECT_EQ(Message(5).first.tag, Tag::integer);
  EXPECT_EQ(Message(std::string("text")).first.tag, Tag::string);
  EXPECT_EQ(Message(std::string("\xff")).first.tag, Tag::bytes);
  EXPECT_EQ(Message(std::optional<int>()).first.tag, Tag::none);
  EXPECT_EQ(Message(std::pair<int, int>()).first.tag, Tag::tuple);
  EXPECT_EQ(Message(std::map<int, int>()).first.tag, Tag::dict);

  const Message message(std::vector<double>(1000));
  const message::Item& doubles = message.first;
  EXPECT_EQ(doubles.tag, Tag::array);
  EXPECT_EQ(doubles.data_type, ElementType::float64);
  ASSERT_EQ(doubles.dimensions, 1);
  EXPECT_EQ(doubles.extent(0), 1000u);
  EXPECT_NE(doubles.block, memory::kNoBlock) << "8000 bytes lie in a block of their own";
  EXPECT_EQ(Message(std::vector<double>(10)).first.block, memory::kNoBlock);
}

TEST(Codec, ReadsVectorsFromEveryKindOfSequence) {
  const std::vector<double> expected{1, 2, 3};
  EXPECT_EQ(*read_from<std::vector<double>>([](auto& writer, auto&) {
    const double values[] = {1, 2, 3};
    writer.reals(values);
  }),
            expected);
  EXPECT_EQ(*read_from<std::vector<double>>([](auto& writer, auto&) {
    const std::int64_t values[] = {1, 2, 3};
    writer.integers(values);
  }),
            expected);
  EXPECT_EQ(*read_from<std::vector<double>>([](auto& writer, auto&) {
    writer.open_tuple(3);
    writer.real(1);
    writer.integer(2);
    writer.real(3);
    writer.close();
  }),
            expected);
  EXPECT_EQ(*read_from<std::vector<double>>([](auto& writer, auto&) {
    const std::uint64_t shape[] = {3};
    const float values[] = {1, 2, 3};
    std::memcpy(writer.array_inline({.type = ElementType::float32, .shape = shape}, 12), values,
                12);
  }),
            expected);
}

TEST(Codec, ReadsEachElementOfAnArray) {
  const std::uint64_t large = std::numeric_limits<std::uint64_t>::max();
  const auto read = read_from<std::vector<std::optional<std::uint64_t>>>([&](auto& writer, auto&) {
    const std::uint64_t shape[] = {2};
    const std::uint64_t values[] = {5, large};
    std::memcpy(writer.array_inline({.type = ElementType::uint64, .shape = shape}, 16), values, 16);
  });

  ASSERT_TRUE(read) << read.failure().text();
  EXPECT_EQ(*read, (std::vector<std::optional<std::uint64_t>>{5, large}));
}

TEST(Codec, ReadsAValueWhereverItIsReferredTo) {
  using Rows = std::vector<std::vector<std::string>>;
  const auto read = read_from<Rows>([](auto& writer, auto&) {
    writer.open_list(4);
    writer.open_list(2, true);
    writer.string("a", true);
    writer.reference(0);
    writer.close(true);
    writer.reference(1);
    writer.open_list(1);
    writer.reference(0);
    writer.close();
    writer.reference(1);
    writer.close();
  });

  ASSERT_TRUE(read) << read.failure().text();
  EXPECT_EQ(*read, (Rows{{"a", "a"}, {"a", "a"}, {"a"}, {"a", "a"}}));
}

TEST(Codec, ReadsABlockWhereverItIsReferredTo) {
  const auto read = read_from<std::vector<std::vector<double>>>([](auto& writer, auto& blocks) {
    writer.open_list(2);
    writer.reals_in_block(blocks.add(800), 100, true);
    writer.reference(0);
    writer.close();
  });

  ASSERT_TRUE(read) << read.failure().text();
  EXPECT_EQ(*read, std::vector<std::vector<double>>(2, std::vector<double>(100)));
}

TEST(Codec, SaysWhatWasWantedAndWhatIsThere) {
  EXPECT_EQ(refusal(sent_as<int>(std::string("5"))),
            "an integer was wanted, and the message has a string");
  EXPECT_EQ(refusal(sent_as<std::string>(5)),
            "a string was wanted, and the message has an integer");
  EXPECT_EQ(refusal(sent_as<int>(2.5)),
            "an integer was wanted, and the message has a floating-point number");
  EXPECT_EQ((refusal(sent_as<std::map<int, int>>(std::vector<int>{1}))),
            "a dictionary was wanted, and the message has an array of int32 in 1 dimension");
  EXPECT_EQ(refusal(sent_as<std::vector<int>>(std::vector<double>{1})),
            "an integer was wanted, and the message has a floating-point number");
  EXPECT_EQ(refusal(sent_as<std::uint8_t>(256)),
            "an integer from 0 to 255 was wanted, and the message has 256");
  EXPECT_EQ(refusal(sent_as<std::uint64_t>(-1)),
            "an integer from 0 to 9223372036854775807 was wanted, and the message has -1");
  EXPECT_EQ((refusal(sent_as<std::array<int, 2>>(std::vector<int>{1, 2, 3}))),
            "a sequence of 2 was wanted, and the message has one of 3");
  EXPECT_EQ((refusal(sent_as<std::tuple<int, int>>(std::tuple<int>(1)))),
            "a sequence of 2 was wanted, and the message has one of 1");
  EXPECT_EQ(refusal(sent_as<Point>(5)), "a C++ struct was wanted, and the message has an integer");
  EXPECT_EQ(refusal(sent_as<OtherPoint>(Point{})),
            "another C++ struct was wanted, and the message has a C++ struct");
  EXPECT_EQ(refusal(sent_as<Point>(std::vector<Point>(2))),
            "a sequence of 1 was wanted, and the message has one of 2");
}

TEST(Codec, RefusesAnArrayOfMoreDimensions) {
  const auto read = read_from<std::vector<double>>([](auto& writer, auto&) {
    const std::uint64_t shape[] = {1, 2};
    writer.array_inline({.type = ElementType::float64, .shape = shape}, 16);
  });

  EXPECT_EQ(refusal(read),
            "a sequence was wanted, and the message has an array of float64 in 2 dimensions");
}

TEST(Codec, RefusesASharedArray) {
  const auto read = read_from<std::vector<int>>([](auto& writer, auto& blocks) {
    writer.shared_array({.type = ElementType::int32, .shape = {}}, {}, blocks.add(8), 0);
  });

  EXPECT_EQ(refusal(read), "a sequence was wanted, and the message has a shared array");
}

TEST(Codec, TellsDamageFromTheWrongType) {
  Decoder::State decoder(std::as_bytes(std::span("\x07\x00\x01", 3)), {});
  int value = 0;

  EXPECT_EQ(decoder.decode(detail::read_of(value)).error(), Error::version_mismatch);
}

// Codecs that do not do what they should.
struct WritesNothing {};
struct WritesTwice {};
struct WritesTooFew {};
struct ReadsNothing {};
struct ReadsTooMuch {};

}  // namespace

template <>
struct Codec<WritesNothing> {
  static void write(Encoder&, const WritesNothing&) {}
};
template <>
struct Codec<WritesTwice> {
  static void write(Encoder& to, const WritesTwice&) {
    to.integer(1);
    to.integer(2);
  }
};
template <>
struct Codec<WritesTooFew> {
  static void write(Encoder& to, const WritesTooFew&) {
    to.open_list(2);
    to.integer(1);
    to.close();
  }
};
template <>
struct Codec<ReadsNothing> {
  static void read(Decoder&, ReadsNothing&) {}
};
template <>
struct Codec<ReadsTooMuch> {
  static void read(Decoder& from, ReadsTooMuch&) {
    from.open_sequence();
    for (int i = 0; i < 5; ++i) from.integer();
    from.close();
  }
};

namespace {

template <class T>
std::string refusal_to_write(const T& value) {
  Encoder::State state;
  const Result<void> encoded = state.encode(detail::write_of(value));
  return encoded ? "" : encoded.failure().message;
}

TEST(Codec, FindsOutWhenAnotherCodecIsWrong) {
  EXPECT_EQ(refusal_to_write(WritesNothing{}), "a Codec wrote less than one whole value");
  EXPECT_EQ(refusal_to_write(WritesTwice{}), "a Codec wrote more values than it had announced");
  EXPECT_EQ(refusal_to_write(WritesTooFew{}), "a Codec wrote fewer values than it had announced");
  EXPECT_EQ(refusal(sent_as<ReadsNothing>(1)), "a Codec read less than one whole value");
  EXPECT_EQ(refusal(sent_as<ReadsTooMuch>(std::vector<std::optional<int>>{1, 2})),
            "more values were wanted than the message has");
}

}  // namespace
}  // namespace onecopy
