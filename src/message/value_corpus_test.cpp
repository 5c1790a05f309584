// The fuzzer's corpus, tested with any compiler. Its seeds are also the format's golden bytes: they
// change with the version of the format only.
//
//   ONECOPY_WRITE_CORPUS=1 message_value_corpus_test    writes the seeds anew

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "message/testing_input.hpp"
#include "testing/seed.hpp"

namespace onecopy::message {
namespace {

using testing::Bytes;
using testing::bytes_of;
using testing::FakeBlocks;
using testing::Input;
using testing::Node;

std::filesystem::path corpus() {
  return std::filesystem::path(__FILE__).parent_path() / "value_fuzz_corpus";
}

template <class Write>
Input input_of(Input::Reader reader, const Write& write) {
  ByteBuffer buffer;
  FakeBlocks blocks;
  ValueWriter writer(buffer);
  write(writer, blocks);
  return {reader, blocks.lengths(), Bytes(buffer.span().begin(), buffer.span().end())};
}

Input value_input(const Node& node) {
  return input_of(Input::value,
                  [&](auto& writer, auto& blocks) { write_node(writer, blocks, node); });
}

Input pickle_input() {
  ByteBuffer buffer;
  FakeBlocks blocks;
  PickleWriter writer(buffer, 3);
  writer.inline_piece(bytes_of("\x80\x05."));
  writer.inline_piece(bytes_of("small"), true);
  writer.block_piece(blocks.add(3000), 2990, false, 10);
  return {Input::pickle, blocks.lengths(), Bytes(buffer.span().begin(), buffer.span().end())};
}

Input shared_pickle_input() {
  ByteBuffer buffer;
  FakeBlocks blocks;
  PickleWriter writer(buffer, 2);
  writer.inline_piece(bytes_of("\x80\x05."));
  writer.shared_piece(blocks.add(8), 5000, true, 300);
  return {Input::pickle, blocks.lengths(), Bytes(buffer.span().begin(), buffer.span().end())};
}

// By name, one of every tag and every shape that the writers know.
std::map<std::string, Input> seeds() {
  std::map<std::string, Input> all;
  const Node one{.tag = Tag::integer, .integer = 1};
  const Node name{.tag = Tag::string, .remember = true, .data = "name"};
  all["none"] = value_input({.tag = Tag::none});
  all["integers"] = value_input({.tag = Tag::list,
                                 .items = {one,
                                           {.tag = Tag::integer, .integer = -7},
                                           {.tag = Tag::integer, .integer = 100'000},
                                           {.tag = Tag::integer, .integer = 1ll << 60},
                                           {.tag = Tag::big_integer, .data = "123456789"}}});
  all["reals"] = value_input({.tag = Tag::tuple,
                              .items = {{.tag = Tag::real, .real = 0.5},
                                        {.tag = Tag::complex, .real = 1, .imaginary = -1},
                                        {.tag = Tag::true_},
                                        {.tag = Tag::false_}}});
  all["dict_with_references"] =
      value_input({.tag = Tag::dict,
                   .remember = true,
                   .items = {name,
                             {.tag = Tag::list, .remember = true, .items = {one}},
                             {.tag = Tag::reference, .integer = 0},
                             {.tag = Tag::reference, .integer = 1}}});
  all["packed"] = value_input(
      {.tag = Tag::list,
       .items = {{.tag = Tag::reals, .data = std::string(24, 'r')},
                 {.tag = Tag::integers, .remember = true, .data = std::string(16, 'i')}}});
  all["arrays"] = value_input(
      {.tag = Tag::list,
       .items = {
           {.tag = Tag::array,
            .data = std::string(48, 'a'),
            .type = ElementType::float64,
            .fortran_order = true,
            .shape = {2, 3}},
           {.tag = Tag::array, .data = "1234", .type = ElementType::float32, .read_only = true},
           {.tag = Tag::array, .type = ElementType::complex128, .shape = {0, 5}}}});
  all["blocks"] = value_input(
      {.tag = Tag::tuple,
       .items = {{.tag = Tag::bytes, .data = std::string(4000, '\0'), .in_block = true},
                 {.tag = Tag::reals, .data = std::string(3200, '\0'), .in_block = true},
                 {.tag = Tag::array,
                  .data = std::string(3000, '\0'),
                  .type = ElementType::int16,
                  .shape = {1500},
                  .in_block = true},
                 {.tag = Tag::string, .data = std::string(2100, '\0'), .in_block = true},
                 {.tag = Tag::record,
                  .data = std::string(2400, '\0'),
                  .shape = {24, 100},
                  .in_block = true}}});
  all["shared_arrays"] = value_input({.tag = Tag::list,
                                      .items = {{.tag = Tag::shared_array,
                                                 .remember = true,
                                                 .integer = 4096,
                                                 .type = ElementType::float32,
                                                 .read_only = true,
                                                 .shape = {3, 2},
                                                 .strides = {-16, 4}},
                                                {.tag = Tag::reference, .integer = 0},
                                                {.tag = Tag::shared_array}}});
  all["records"] = value_input({.tag = Tag::record, .data = "abcdefghijkl", .shape = {4, 3}});
  all["pickle"] = pickle_input();
  all["pickle_with_shared"] = shared_pickle_input();
  all["codec_doubles"] = input_of(Input::doubles, [](auto& writer, auto& blocks) {
    const std::uint64_t shape[] = {300};
    writer.array_in_block({.type = ElementType::float64, .shape = shape}, blocks.add(2400));
  });
  all["codec_doubles_from_a_list"] = input_of(Input::doubles, [](auto& writer, auto&) {
    writer.open_list(3);
    writer.real(1.5);
    writer.integer(2);
    writer.real(-1);
    writer.close();
  });
  all["codec_strings"] = input_of(Input::strings, [](auto& writer, auto&) {
    writer.open_dict(2);
    writer.string("one");
    writer.integer(1);
    writer.string("none");
    writer.none();
    writer.close();
  });
  all["codec_nested_with_references"] = input_of(Input::nested, [](auto& writer, auto& blocks) {
    writer.open_list(2);
    writer.open_tuple(3, true);
    writer.reals_in_block(blocks.add(160), 20, true);
    writer.string("text", true);
    writer.bytes({}, true);
    writer.close(true);
    writer.reference(3);
    writer.close();
  });
  all["codec_object"] = input_of(Input::object, [](auto& writer, auto& blocks) {
    const std::uint64_t shape[] = {2, 3};
    writer.open_dict(3, true);
    writer.string("data", true);
    writer.array_in_block({.type = ElementType::float64, .shape = shape}, blocks.add(48), 0, true);
    writer.string("n");
    writer.open_tuple(3);
    writer.boolean(true);
    writer.reals_in_block(blocks.add(160), 20);
    writer.reference(1);
    writer.close();
    writer.open_tuple(1);
    writer.none();
    writer.close();
    writer.bytes({});
    writer.close(true);
  });
  all["codec_arrays"] = input_of(Input::arrays, [](auto& writer, auto& blocks) {
    const std::uint64_t shape[] = {3, 2};
    const auto variant = [&](int index, auto write) {
      writer.open_tuple(2);
      writer.integer(index);
      write();
      writer.close();
    };
    writer.open_list(4);
    variant(0, [&] {
      const message::ArrayHead head{ElementType::float64, true, false, shape};
      std::memset(writer.array_inline(head, 48), 1, 48);
    });
    variant(1, [&] {
      const message::ArrayHead head{ElementType::boolean, false, true, shape};
      std::memset(writer.array_inline(head, 6), 1, 6);
    });
    variant(2, [&] {
      writer.array_in_block({.type = ElementType::complex128, .shape = shape}, blocks.add(112), 16,
                            true);
    });
    variant(2, [&] { writer.reference(0); });
    writer.close();
  });
  all["codec_opaque"] = pickle_input();
  all["codec_opaque"].reader = Input::opaque;
  return all;
}

Bytes contents_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const auto bytes = bytes_of(text);
  return {bytes.begin(), bytes.end()};
}

TEST(ValueCorpus, HoldsEverySeedAsTheWritersWriteItToday) {
  const bool write = std::getenv("ONECOPY_WRITE_CORPUS") != nullptr;
  for (const auto& [name, input] : seeds()) {
    const Bytes bytes = input.bytes();
    if (write) {
      std::ofstream file(corpus() / name, std::ios::binary);
      file.write(reinterpret_cast<const char*>(bytes.data()),
                 static_cast<std::streamsize>(bytes.size()));
    }
    EXPECT_EQ(contents_of(corpus() / name), bytes) << name;
  }
}

TEST(ValueCorpus, HoldsNothingThatUpsetsAReader) {
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(corpus())) {
    SCOPED_TRACE(entry.path().string());
    testing::read_input(Input::parse(contents_of(entry.path())));
    ++files;
  }
  EXPECT_GE(files, seeds().size());
}

TEST(ValueCorpus, HasSoundSeeds) {
  for (const auto& [name, input] : seeds()) {
    if (input.reader == Input::pickle || input.reader == Input::opaque) continue;
    const FakeBlocks blocks(input.blocks);
    Node node;
    EXPECT_EQ(read_body(input.body, blocks.blocks(), node), Fault::none) << name;
  }
}

TEST(ValueCorpus, EndsInAFaultWhereverItIsCutOff) {
  for (const auto& [name, input] : seeds()) {
    if (input.reader == Input::pickle || input.reader == Input::opaque) continue;
    for (std::size_t length = 0; length < input.body.size(); ++length) {
      const FakeBlocks blocks(input.blocks);
      Node node;
      const auto part = std::span(input.body).first(length);
      EXPECT_NE(read_body(part, blocks.blocks(), node), Fault::none) << name << " " << length;
    }
  }
}

// Changes a few bytes, moves the end, or takes a piece from elsewhere.
void mutate(testing::Random& random, Input& input) {
  static constexpr int kTelling[] = {0, 1, 0x7f, 0x80, 0xff, 254, 255, 0x20, 0x40, 0xe0};
  if (input.body.empty()) return;
  for (std::uint64_t changes = 1 + testing::up_to(random, 3); changes > 0; --changes) {
    const std::size_t at = testing::up_to(random, input.body.size() - 1);
    switch (testing::up_to(random, 4)) {
      case 0:
        input.body[at] = static_cast<std::byte>(random());
        break;
      case 1:
        input.body[at] =
            static_cast<std::byte>(kTelling[testing::up_to(random, std::size(kTelling) - 1)]);
        break;
      case 2:
        input.body[at] ^= static_cast<std::byte>(1 << testing::up_to(random, 7));
        break;
      case 3:
        input.body.resize(at + 1);
        break;
      default: {
        const Bytes piece(input.body.begin() + static_cast<std::ptrdiff_t>(at), input.body.end());
        input.body.insert(input.body.end(), piece.begin(), piece.end());
        break;
      }
    }
  }
  if (input.body.size() > 8192) input.body.resize(8192);
  if (testing::up_to(random, 9) == 0 && !input.blocks.empty()) {
    input.blocks[testing::up_to(random, input.blocks.size() - 1)] = testing::up_to(random, 4095);
  }
}

TEST(ValueCorpus, SurvivesMutation) {
  testing::Random random = onecopy::testing::random_for("values, broken");
  std::vector<Input> inputs;
  for (const auto& [name, input] : seeds()) inputs.push_back(input);
  for (int extra = 0; extra < 30; ++extra) {
    std::uint32_t remembered = 0;
    inputs.push_back(value_input(testing::random_node(random, 60, 0, remembered)));
  }
  for (int round = 0; round < 300'000; ++round) {
    Input input = inputs[testing::up_to(random, inputs.size() - 1)];
    mutate(random, input);
    testing::read_input(input);
  }
}

}  // namespace
}  // namespace onecopy::message
