#include <onecopy/object.hpp>

#include <complex>
#include <cstring>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <onecopy/pool.hpp>
#include <onecopy/queue.hpp>

#include "memory/census.hpp"
#include "memory/family.hpp"
#include "memory/validate.hpp"
#include "message/codec_state.hpp"
#include "message/testing.hpp"
#include "message/utf8.hpp"
#include "testing/seed.hpp"

namespace onecopy {
namespace {

using message::ByteBuffer;
using message::Tag;
using message::ValueWriter;
using message::testing::FakeBlocks;
using message::testing::Node;
using message::testing::Random;

std::uint64_t bytes_in_blocks() { return memory::take_census().in_use; }

template <class Action>
std::string refusal(const Action& action) {
  try {
    static_cast<void>(action());
  } catch (const Exception& exception) {
    EXPECT_EQ(exception.error(), Error::invalid);
    return exception.what();
  }
  return "";
}

Object frame() {
  Object object;
  object["name"] = "x";
  object["n"] = 3;
  object["data"] = NdView<double>::zeros({30, 40});
  object["data"].array().view<double>()(1, 2) = 7;
  Object::List weights;
  weights.emplace_back(0.5);
  weights.emplace_back(true);
  weights.emplace_back(Object());
  object["weights"] = std::move(weights);
  return object;
}

TEST(Object, BringsAMixedDictBack) {
  Queue<Object> queue;
  queue.put(frame());
  Object received = queue.get();

  EXPECT_EQ(received.kind(), ValueKind::dict);
  EXPECT_EQ(received.size(), 4u);
  EXPECT_EQ(received["name"].string(), "x");
  EXPECT_EQ(received["n"].integer(), 3);
  EXPECT_EQ(received["n"].real(), 3.0);
  EXPECT_EQ((received["data"].array().view<double, 2>()(1, 2)), 7);
  EXPECT_EQ(received["weights"][0].real(), 0.5);
  EXPECT_TRUE(received["weights"][1].boolean());
  EXPECT_TRUE(received["weights"][2].is_none());
  EXPECT_EQ(received.find("nobody"), nullptr);
}

TEST(Object, GivesItsArraysOn) {
  Pool pool(1);
  Queue<Object> queue;
  Object sent = frame();
  const void* const place = sent["data"].array().data();
  queue.put(sent);
  queue.put(std::move(sent));

  EXPECT_NE(queue.get()["data"].array().data(), place);
  Object received = queue.get();
  EXPECT_EQ(received["data"].array().data(), place);

  // And to a pool and back.
  Object answer = pool.submit(
                          [](Object object) {
                            object["n"] = object["n"].integer() + 1;
                            return object;
                          },
                          std::move(received))
                      .get();
  EXPECT_EQ(answer["n"].integer(), 4);
  EXPECT_EQ(answer["data"].array().data(), place);
}

TEST(Object, IsMadeOfWhateverItMayHold) {
  EXPECT_EQ(Object().kind(), ValueKind::none);
  EXPECT_EQ(Object(true).kind(), ValueKind::boolean);
  EXPECT_EQ(Object(5).kind(), ValueKind::integer);
  EXPECT_EQ(Object('c').kind(), ValueKind::integer);
  EXPECT_EQ(Object(5u).integer(), 5);
  EXPECT_EQ(Object(std::uint64_t{5}).kind(), ValueKind::integer);
  EXPECT_EQ(Object(std::numeric_limits<std::uint64_t>::max()).kind(), ValueKind::big_integer);
  EXPECT_EQ(Object(0.5f).real(), 0.5);
  EXPECT_EQ(Object(std::complex<float>(1, 2)).complex(), (Decoder::Complex{1, 2}));
  EXPECT_EQ(Object(2).complex(), (Decoder::Complex{2, 0}));
  EXPECT_EQ(Object("text").string(), "text");
  EXPECT_EQ(Object(std::string_view("text")).kind(), ValueKind::string);
  EXPECT_EQ(Object(Object::Bytes(3)).bytes().size(), 3u);
  EXPECT_EQ(Object(Object::List()).kind(), ValueKind::list);
  EXPECT_EQ(Object(Object::Tuple()).kind(), ValueKind::tuple);
  EXPECT_EQ(Object(Object::Dict()).kind(), ValueKind::dict);
  EXPECT_EQ(Object(NdView<float>::zeros({2})).array().element_type(), ElementType::float32);
  EXPECT_EQ(Object(Opaque()).kind(), ValueKind::opaque);
}

TEST(Object, SaysWhatWasWantedAndWhatIsThere) {
  const Object text("text");
  EXPECT_EQ(refusal([&] { return text.integer(); }),
            "an integer of at most 64 bits was wanted, and the object is a string");
  EXPECT_EQ(refusal([&] { return text.real(); }),
            "a floating-point number was wanted, and the object is a string");
  EXPECT_EQ(refusal([&] { return text.complex(); }),
            "a complex number was wanted, and the object is a string");
  EXPECT_EQ(refusal([&] { return text.boolean(); }),
            "a truth value was wanted, and the object is a string");
  EXPECT_EQ(refusal([&] { return &text.array(); }),
            "an array was wanted, and the object is a string");
  EXPECT_EQ(refusal([&] { return text.size(); }),
            "a list or tuple was wanted, and the object is a string");
  EXPECT_EQ(refusal([&] { return &text["key"]; }),
            "a dictionary was wanted, and the object is a string");
  EXPECT_EQ(refusal([&] { return &Object(1).string(); }),
            "a string was wanted, and the object is an integer");
  const Object dict{Object::Dict()};
  EXPECT_EQ(refusal([&] { return &dict["key"]; }), "there is no \"key\" in the dictionary");
  const Object list{Object::List(2)};
  EXPECT_EQ(refusal([&] { return &list[2]; }), "there is no item 2 among 2");
}

TEST(Object, HasKeysOfAnyKindThatPythonHas) {
  Object::Dict dict;
  Object::Tuple pair;
  pair.items.emplace_back(1);
  pair.items.emplace_back("two");
  dict.add(std::move(pair), 1);
  dict.add(Object(), 2);
  dict.add(5, "five");
  Queue<Object> queue;
  queue.put(Object(std::move(dict)));
  const Object received = queue.get();
  ASSERT_EQ(received.size(), 3u);
  EXPECT_EQ(received.dict().items()[0].first[1].string(), "two");
  EXPECT_EQ(received.dict().items()[2].second.string(), "five");

  Object::Dict wrong;
  wrong.add(Object::List(), 1);
  EXPECT_EQ(queue.try_put(Object(std::move(wrong))).failure().message,
            "a list cannot be the key of a dictionary");
  Object::Dict hidden;
  Object::Tuple with_list;
  with_list.items.emplace_back(Object::Dict());
  hidden.add(std::move(with_list), 1);
  EXPECT_EQ(queue.try_put(Object(std::move(hidden))).failure().message,
            "a tuple cannot be the key of a dictionary");
}

TEST(Object, NestsAsDeepAsTheFormat) {
  const auto nested = [](int depth) {
    Object object;
    for (int i = 0; i < depth; ++i) {
      Object::List around;
      around.push_back(std::move(object));
      object = std::move(around);
    }
    return object;
  };
  Queue<Object> queue;
  queue.put(nested(1000));
  Object received = queue.get();
  int depth = 0;
  while (received.kind() == ValueKind::list) {
    Object inner = std::move(received[0]);
    received = std::move(inner);
    ++depth;
  }
  EXPECT_EQ(depth, 1000);
  EXPECT_EQ(queue.try_put(nested(1001)).failure().message, "a value is nested deeper than 1000");
  EXPECT_EQ(queue.try_put(nested(10'000)).error(), Error::invalid);
}

// -- what Python sends ----------------------------------------------------------------------------

Result<Object> read_body(std::span<const std::byte> body, const message::Blocks& blocks) {
  Object object;
  Decoder::State decoder(body, blocks);
  if (auto decoded = decoder.decode(detail::read_of(object)); !decoded) return decoded.failure();
  return object;
}

template <class Write>
Result<Object> read_from(const Write& write) {
  ByteBuffer buffer;
  FakeBlocks blocks;
  ValueWriter writer(buffer);
  write(writer, blocks);
  return read_body(buffer.span(), blocks.blocks());
}

TEST(Object, HasNoStructs) {
  const auto read = read_from([](auto& writer, auto&) {
    writer.open_list(1);
    writer.record(1, 3, 1, "abc");
    writer.close();
  });
  EXPECT_EQ(read.failure().message,
            "the message has a C++ struct, which only its own type can receive");
}

TEST(Object, IsRefusedWhereItsPartsWouldNeverEnd) {
  // a = [1] * 2; b = [a, a]; c = [b, b] ...: 2^40 values in a few hundred bytes.
  const auto read = read_from([](auto& writer, auto&) {
    constexpr std::uint32_t kLevels = 40;
    writer.open_list(kLevels);
    writer.open_list(2, true);
    writer.integer(1);
    writer.integer(1);
    writer.close(true);
    for (std::uint32_t level = 1; level < kLevels; ++level) {
      writer.open_list(2, true);
      writer.reference(level - 1);
      writer.reference(level - 1);
      writer.close(true);
    }
    writer.close();
  });
  EXPECT_EQ(read.error(), Error::no_memory);
  EXPECT_NE(read.failure().message.find("refers to its own parts"), std::string::npos);
}

// A value without what is no part of it: numbers packed or not, what is remembered, blocks.
Node plain(const Node& node, std::vector<Node>& remembered) {
  if (node.tag == Tag::reference) return remembered.at(static_cast<std::size_t>(node.integer));
  Node made = node;
  made.remember = false;
  made.in_block = false;
  made.items.clear();
  for (const Node& item : node.items) made.items.push_back(plain(item, remembered));
  if (node.tag == Tag::reals || node.tag == Tag::integers) {
    made.tag = Tag::list;
    made.data.clear();
    for (std::size_t at = 0; at < node.data.size(); at += 8) {
      Node item;
      item.tag = node.tag == Tag::reals ? Tag::real : Tag::integer;
      void* const to = node.tag == Tag::reals ? static_cast<void*>(&item.real) : &item.integer;
      std::memcpy(to, node.data.data() + at, 8);
      made.items.push_back(item);
    }
  }
  // C++ takes for bytes what is no text.
  if (node.tag == Tag::string && !message::is_utf8(node.data)) made.tag = Tag::bytes;
  if (node.remember) remembered.push_back(made);
  return made;
}

// Whether an Object can hold it, and send it as it is.
bool may_be_held(const Node& node) {
  const auto hashable = [](const Node& key) {
    const Tag tag = key.tag;
    return tag != Tag::list && tag != Tag::dict && tag != Tag::reals && tag != Tag::integers &&
           tag != Tag::array && tag != Tag::tuple && tag != Tag::reference;
  };
  if (node.tag == Tag::record || node.tag == Tag::shared_array) return false;
  if (node.tag == Tag::array && node.type == ElementType::boolean) return false;
  if (node.tag == Tag::dict) {
    for (std::size_t i = 0; i < node.items.size(); i += 2) {
      if (!hashable(node.items[i])) return false;
    }
  }
  for (const Node& item : node.items) {
    if (!may_be_held(item)) return false;
  }
  return true;
}

// Not a number is equal to nothing, and these are random bits.
bool same(const Node& a, const Node& b) {
  const auto bits = [](double number) { return std::bit_cast<std::uint64_t>(number); };
  if (a.items.size() != b.items.size()) return false;
  for (std::size_t i = 0; i < a.items.size(); ++i) {
    if (!same(a.items[i], b.items[i])) return false;
  }
  return a.tag == b.tag && a.integer == b.integer && a.data == b.data &&
         bits(a.real) == bits(b.real) && bits(a.imaginary) == bits(b.imaginary) &&
         a.type == b.type && a.read_only == b.read_only && a.shape == b.shape &&
         (a.fortran_order == b.fortran_order || a.shape.size() < 2 || a.data.empty() ||
          std::count_if(a.shape.begin(), a.shape.end(), [](auto extent) { return extent > 1; }) <
              2);
}

TEST(Object, SendsOnWhateverItReceived) {
  memory::join_family().value_or_throw();
  Random random = onecopy::testing::random_for("objects");
  const std::uint64_t before = bytes_in_blocks();
  int tried = 0;
  for (int round = 0; round < 4000; ++round) {
    std::uint32_t count = 0;
    const Node node =
        message::testing::random_node(random, 1 + message::testing::up_to(random, 30), 0, count);
    if (!may_be_held(node)) continue;
    ++tried;
    ByteBuffer buffer;
    FakeBlocks blocks;
    ValueWriter writer(buffer);
    write_node(writer, blocks, node);
    Result<Object> object = read_body(buffer.span(), blocks.blocks());
    ASSERT_TRUE(object) << object.failure().text();

    Encoder::State state;
    state.encode(detail::give_of(*object)).value_or_throw();
    Node received;
    ASSERT_EQ(read_body(state.buffer.span(), {.indices = state.blocks.span()}, received),
              message::Fault::none);
    std::vector<Node> remembered;
    std::vector<Node> none;
    const Node expected = plain(node, remembered);
    // What was small is in the body now, and what was large in a block of the arena.
    ASSERT_TRUE(same(plain(received, none), expected)) << "round " << round;
  }
  EXPECT_GT(tried, 500);
  EXPECT_EQ(bytes_in_blocks(), before);
  EXPECT_EQ(memory::validate_memory(), "");
}

}  // namespace
}  // namespace onecopy
