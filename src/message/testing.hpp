// What the tests and the fuzzer of this room share: values as plain trees, random ones, and blocks
// that are nobody's. For tests only.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "message/envelope.hpp"
#include "message/value_reader.hpp"
#include "message/value_writer.hpp"

namespace onecopy::message::testing {

using Bytes = std::vector<std::byte>;

// What must hold for every input; unlike an EXPECT it stops a fuzzer, too.
inline void require(bool holds) {
  if (!holds) std::abort();
}

// Blocks in memory of their own, exactly as long as they say, so that AddressSanitizer sees a
// reader that goes too far. One set at a time; its indices are numbers that no array would have.
class FakeBlocks {
 public:
  explicit FakeBlocks(const std::vector<std::size_t>& lengths = {}) {
    current() = this;
    for (const std::size_t length : lengths) add(length);
  }
  ~FakeBlocks() { current() = nullptr; }
  FakeBlocks(const FakeBlocks&) = delete;
  FakeBlocks& operator=(const FakeBlocks&) = delete;

  std::uint32_t add(std::size_t length) {
    const auto number = static_cast<std::uint32_t>(lengths_.size());
    data_.push_back(std::make_unique<std::byte[]>(length));
    lengths_.push_back(length);
    indices_.push_back(kFirst + number);
    return number;
  }
  std::uint32_t add(std::span<const std::byte> content) {
    const std::uint32_t number = add(content.size());
    std::copy(content.begin(), content.end(), data_[number].get());
    return number;
  }

  Blocks blocks() const {
    return {
        indices_,  // of which none can be kept
        [](memory::BlockIndex block) noexcept { return current()->lengths_.at(block - kFirst); },
        [](memory::BlockIndex block) noexcept { return current()->data_.at(block - kFirst).get(); },
        [](memory::BlockIndex) noexcept { return memory::SharedName(); },
        [](memory::BlockIndex) noexcept { return false; }};
  }
  const std::vector<std::size_t>& lengths() const { return lengths_; }

 private:
  static constexpr memory::BlockIndex kFirst = 1'000'000;
  static FakeBlocks*& current() {
    static FakeBlocks* blocks = nullptr;
    return blocks;
  }

  std::vector<std::unique_ptr<std::byte[]>> data_;
  std::vector<std::size_t> lengths_;
  std::vector<memory::BlockIndex> indices_;
};

// A value as a tree. Two are equal when a receiver could not tell them apart.
struct Node {
  Tag tag = Tag::none;
  bool remember = false;
  std::int64_t integer = 0;      // integer; the number of a reference
  std::string data = {};         // string, bytes, big_integer, reals, integers, array, record
  double real = 0;               // real, complex
  double imaginary = 0;          // complex
  std::vector<Node> items = {};  // list, tuple; dict: key, value, key, value
  ElementType type = ElementType::boolean;  // array
  bool fortran_order = false;               // array
  bool read_only = false;                   // array
  std::vector<std::uint64_t> shape = {};    // array; record: size of one, count
  std::vector<std::int64_t> strides = {};   // shared_array
  bool in_block = false;                    // how it is written; no part of the value

  bool operator==(const Node& other) const {
    return tag == other.tag && remember == other.remember && integer == other.integer &&
           data == other.data && real == other.real && imaginary == other.imaginary &&
           items == other.items && type == other.type && fortran_order == other.fortran_order &&
           read_only == other.read_only && shape == other.shape && strides == other.strides;
  }
};

inline std::span<const std::byte> bytes_of(const std::string& text) {
  return std::as_bytes(std::span(text));
}

inline void write_node(ValueWriter& writer, FakeBlocks& blocks, const Node& node) {
  const std::string& data = node.data;
  const std::uint32_t block = node.in_block ? blocks.add(bytes_of(data)) : 0;
  const std::size_t eighth = data.size() / 8;
  switch (node.tag) {
    case Tag::none:
      return writer.none();
    case Tag::false_:
    case Tag::true_:
      return writer.boolean(node.tag == Tag::true_);
    case Tag::integer:
      return writer.integer(node.integer);
    case Tag::big_integer:
      return writer.big_integer(bytes_of(data));
    case Tag::real:
      return writer.real(node.real);
    case Tag::complex:
      return writer.complex(node.real, node.imaginary);
    case Tag::string:
      return node.in_block ? writer.string_in_block(block, data.size(), node.remember)
                           : writer.string(data, node.remember);
    case Tag::bytes:
      return node.in_block ? writer.bytes_in_block(block, data.size(), node.remember)
                           : writer.bytes(bytes_of(data), node.remember);
    case Tag::reals:
      if (node.in_block) return writer.reals_in_block(block, eighth, node.remember);
      std::memcpy(writer.reals_inline(eighth, node.remember), data.data(), data.size());
      return;
    case Tag::integers:
      if (node.in_block) return writer.integers_in_block(block, eighth, node.remember);
      std::memcpy(writer.integers_inline(eighth, node.remember), data.data(), data.size());
      return;
    case Tag::array: {
      const ArrayHead head{node.type, node.fortran_order, node.read_only, node.shape};
      if (node.in_block) return writer.array_in_block(head, block, 0, node.remember);
      std::memcpy(writer.array_inline(head, data.size(), node.remember), data.data(), data.size());
      return;
    }
    case Tag::shared_array:  // what refers to the shared block is no part of the value
      return writer.shared_array({node.type, false, node.read_only, node.shape}, node.strides,
                                 blocks.add(8), static_cast<std::uint64_t>(node.integer),
                                 node.remember);
    case Tag::record:
      return node.in_block ? writer.record_in_block(77, node.shape[0], node.shape[1], block)
                           : writer.record(77, node.shape[0], node.shape[1], data.data());
    case Tag::reference:
      return writer.reference(static_cast<std::uint32_t>(node.integer));
    case Tag::list:
      writer.open_list(node.items.size(), node.remember);
      break;
    case Tag::tuple:
      writer.open_tuple(node.items.size(), node.remember);
      break;
    case Tag::dict:
      writer.open_dict(node.items.size() / 2, node.remember);
      break;
    case Tag::integer_8:
    case Tag::integer_32:
      std::abort();
  }
  for (const Node& item : node.items) write_node(writer, blocks, item);
  writer.close(node.remember);
}

// Reads one value, touching every byte that the reader vouches for. False at a fault.
inline bool read_node(ValueReader& reader, std::uint32_t& remembered, Node& node) {
  Item item;
  if (!reader.next(item)) return false;
  node.tag = item.tag;
  node.remember = item.remember;
  require(!item.remember || reader.has_remembered());
  switch (item.tag) {
    case Tag::none:
    case Tag::false_:
    case Tag::true_:
      return true;
    case Tag::integer:
      node.integer = item.integer;
      return true;
    case Tag::complex:
      node.imaginary = item.imaginary;
      [[fallthrough]];
    case Tag::real:
      node.real = item.real;
      return true;
    case Tag::reference:
      require(item.count < remembered);
      node.integer = static_cast<std::int64_t>(item.count);
      return true;
    case Tag::list:
    case Tag::tuple:
    case Tag::dict: {
      require(reader.depth() <= kMaximumDepth);
      const std::uint64_t items = item.count * (item.tag == Tag::dict ? 2 : 1);
      for (std::uint64_t i = 0; i < items; ++i) {
        if (!read_node(reader, remembered, node.items.emplace_back())) return false;
      }
      reader.leave(item);
      remembered += item.remember;
      return true;
    }
    case Tag::array:
      node.type = item.data_type;
      node.fortran_order = item.fortran_order;
      node.read_only = item.read_only;
      for (unsigned i = 0; i < item.dimensions; ++i) node.shape.push_back(item.extent(i));
      require(item.length == item.count * item.size_of_one);
      break;
    case Tag::shared_array:
      node.type = item.data_type;
      node.read_only = item.read_only;
      node.integer = static_cast<std::int64_t>(item.offset);
      for (unsigned i = 0; i < item.dimensions; ++i) {
        node.shape.push_back(item.extent(i));
        node.strides.push_back(item.stride(i));
      }
      require(item.length == 0 && item.block != memory::kNoBlock);
      remembered += item.remember;
      return true;
    case Tag::record:
      node.shape = {item.size_of_one, item.count};
      require(item.length == item.count * item.size_of_one);
      break;
    default:
      break;
  }
  node.data.assign(reinterpret_cast<const char*>(item.data), item.length);
  remembered += item.remember;
  return true;
}

// Fault::none where the body is one whole value, which is then in `node`.
inline Fault read_body(std::span<const std::byte> body, const Blocks& blocks, Node& node) {
  ValueReader reader(body, blocks);
  std::uint32_t remembered = 0;
  if (read_node(reader, remembered, node)) reader.finish();
  return reader.fault();
}

using Random = std::mt19937_64;

inline std::uint64_t up_to(Random& random, std::uint64_t most) {
  return std::uniform_int_distribution<std::uint64_t>(0, most)(random);
}

inline std::string random_text(Random& random, std::size_t length) {
  std::string text(length, '\0');
  for (char& character : text) character = static_cast<char>(random());
  return text;
}

// A random value of at most about `size` nodes. `remembered` counts as the writer does.
inline Node random_node(Random& random, std::size_t size, std::uint32_t depth,
                        std::uint32_t& remembered) {
  static constexpr Tag kLeaves[] = {Tag::none,   Tag::false_,    Tag::true_,       Tag::integer,
                                    Tag::real,   Tag::complex,   Tag::big_integer, Tag::string,
                                    Tag::bytes,  Tag::reals,     Tag::integers,    Tag::array,
                                    Tag::record, Tag::reference, Tag::shared_array};
  static constexpr Tag kContainers[] = {Tag::list, Tag::tuple, Tag::dict};
  Node node;
  node.tag = size > 1 && depth < 40 ? kContainers[up_to(random, 2)]
                                    : kLeaves[up_to(random, std::size(kLeaves) - 1)];
  if (node.tag == Tag::reference && remembered == 0) node.tag = Tag::none;
  const bool may_be_remembered = (kMayBeRemembered & tag_bit(node.tag)) != 0;
  const bool may_be_in_block = (kMayBeInBlock & tag_bit(node.tag)) != 0;
  node.remember = may_be_remembered && up_to(random, 3) == 0;
  node.in_block = may_be_in_block && up_to(random, 4) == 0;
  switch (node.tag) {
    case Tag::integer:
      node.integer = static_cast<std::int64_t>(random() >> up_to(random, 63));
      break;
    case Tag::reference:
      node.integer = static_cast<std::int64_t>(up_to(random, remembered - 1));
      break;
    case Tag::complex:
      node.imaginary = static_cast<double>(random());
      [[fallthrough]];
    case Tag::real:
      node.real = static_cast<double>(random());
      break;
    case Tag::reals:
    case Tag::integers:
      node.data = random_text(random, 8 * up_to(random, 40));
      break;
    case Tag::record:
      node.shape = {1 + up_to(random, 30), up_to(random, 20)};
      node.data = random_text(random, node.shape[0] * node.shape[1]);
      break;
    case Tag::array: {
      static constexpr ElementType kTypes[] = {ElementType::boolean,    ElementType::int16,
                                               ElementType::float32,    ElementType::uint64,
                                               ElementType::complex128, ElementType::long_double};
      node.type = kTypes[up_to(random, std::size(kTypes) - 1)];
      node.fortran_order = up_to(random, 1) == 1;
      node.read_only = up_to(random, 1) == 1;
      std::size_t bytes = item_size(node.type);
      for (std::uint64_t i = up_to(random, 4); i > 0; --i) {
        node.shape.push_back(up_to(random, 5));
        bytes *= node.shape.back();
      }
      node.data = random_text(random, bytes);
      break;
    }
    case Tag::shared_array:
      node.type = ElementType::int32;
      node.read_only = up_to(random, 1) == 1;
      node.integer = static_cast<std::int64_t>(up_to(random, 1'000'000));
      for (std::uint64_t i = up_to(random, 4); i > 0; --i) {
        node.shape.push_back(up_to(random, 5));
        node.strides.push_back(static_cast<std::int64_t>(random()));
      }
      break;
    case Tag::list:
    case Tag::tuple:
    case Tag::dict: {
      std::size_t left = size - 1;
      while (left > 0) {
        const std::size_t share = 1 + up_to(random, left - 1);
        node.items.push_back(random_node(random, share, depth + 1, remembered));
        left -= share;
      }
      if (node.tag == Tag::dict && node.items.size() % 2 == 1) node.items.emplace_back();
      break;
    }
    default:
      node.data = random_text(random, up_to(random, up_to(random, 7) == 0 ? 400 : 12));
  }
  const bool has_data = (kMayBeInBlock & tag_bit(node.tag)) != 0 || node.tag == Tag::big_integer;
  if (!has_data) node.data.clear();
  remembered += node.remember;
  return node;
}

}  // namespace onecopy::message::testing
