#include "inspect/arena_reader.hpp"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <random>
#include <string>
#include <thread>

#include <fcntl.h>

#include "inspect/snapshot.hpp"
#include "memory/block.hpp"
#include "memory/local.hpp"
#include "os/memory_file.hpp"
#include "os/testing_files.hpp"
#include "testing/fresh_process.hpp"
#include "testing/seed.hpp"

namespace onecopy::inspect {
namespace {

using memory::ArenaHeader;
using onecopy::testing::in_fresh_process;
using os::MemoryFile;

constexpr std::size_t kFileBytes = memory::kDataOffset + (4u << 20);

MemoryFile make_file() { return MemoryFile::create("test", kFileBytes).value_or_throw(); }

template <class Value>
void write(MemoryFile& file, std::uint64_t offset, const Value& value) {
  ASSERT_TRUE(file.write_at(offset, &value, sizeof value));
}

// An arena as this version makes it, so far as a reader can tell, with empty tables.
MemoryFile make_empty_arena() {
  MemoryFile file = make_file();
  write(file, offsetof(ArenaHeader, magic), memory::kMagic);
  write(file, offsetof(ArenaHeader, layout_version), memory::kLayoutVersion);
  return file;
}

TEST(ArenaReader, RefusesAFileThatIsNoArena) {
  const MemoryFile file = make_file();
  EXPECT_EQ(ArenaReader::open(file.descriptor()).error(), Error::corrupt);
}

TEST(ArenaReader, RefusesWhatCannotBeReadLikeAFile) {
  const auto pipe = os::pipe_pair().value_or_throw();
  EXPECT_EQ(ArenaReader::open(pipe.first.get()).failure().system_errno, ESPIPE);
  EXPECT_EQ(ArenaReader::open(-1).error(), Error::closed);
}

TEST(ArenaReader, RefusesAnotherLayoutAndNamesBothVersions) {
  MemoryFile file = make_empty_arena();
  write(file, offsetof(ArenaHeader, layout_version), memory::kLayoutVersion + 1);
  write(file, offsetof(ArenaHeader, package_version), std::uint32_t{(4u << 20) | (5u << 10) | 6u});
  const auto opened = ArenaReader::open(file.descriptor());
  ASSERT_EQ(opened.error(), Error::version_mismatch);
  const std::string text = opened.failure().text();
  for (const std::string& named :
       {std::string("4.5.6"), "layout " + std::to_string(memory::kLayoutVersion + 1),
        "layout " + std::to_string(memory::kLayoutVersion)}) {
    EXPECT_NE(text.find(named), std::string::npos) << text;
  }
}

TEST(ArenaReader, NeedsToReadAndNoMore) {
  const MemoryFile file = make_empty_arena();
  const std::string path = "/proc/self/fd/" + std::to_string(file.descriptor());
  const os::Descriptor read_only(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  EXPECT_TRUE(take_snapshot(read_only.get()));
}

TEST(ArenaReader, TakesNoPageThatNobodyHasTouched) {
  in_fresh_process([] {
    ASSERT_TRUE(memory::join_family());
    ASSERT_TRUE(memory::allocate_block(1 << 20));
    const int arena = memory::family_descriptor().value();
    const std::uint64_t before = os::testing::allocated_bytes(arena);
    ASSERT_TRUE(take_snapshot(arena));
    EXPECT_EQ(os::testing::allocated_bytes(arena), before);
  });
}

TEST(ArenaReader, CountsNoMoreThanTheTablesHold) {
  MemoryFile file = make_empty_arena();
  write(file, offsetof(ArenaHeader, member_high_water), 0xffffffffu);
  write(file, offsetof(ArenaHeader, channel_high_water), 0xffffffffu);
  write(file, offsetof(ArenaHeader, block_count), 0xffffffffu);
  write(file, offsetof(ArenaHeader, capacity), std::uint64_t{kFileBytes});
  write(file, offsetof(ArenaHeader, data_end), ~std::uint64_t{0});
  const Head head = ArenaReader::open(file.descriptor()).value_or_throw().head();
  EXPECT_EQ(head.members, memory::kMaxMembers);
  EXPECT_EQ(head.channels, memory::kMaxChannels);
  EXPECT_EQ(head.blocks, memory::kMaxBlocks);
  EXPECT_EQ(head.data_end, kFileBytes);
}

TEST(ArenaReader, ReadsZerosPastTheEnd) {
  const MemoryFile file = make_empty_arena();
  ArenaReader reader = ArenaReader::open(file.descriptor()).value_or_throw();
  std::uint64_t word = 1;
  reader.read(kFileBytes + 4096, word);
  EXPECT_EQ(word, 0u);
  EXPECT_TRUE(reader.failure());
}

TEST(ArenaReader, SaysThatARecordDoesNotSettle) {
  MemoryFile file = make_empty_arena();
  ArenaReader reader = ArenaReader::open(file.descriptor()).value_or_throw();
  std::array<std::byte, 256u << 10> large{};
  EXPECT_TRUE(reader.read_settled(memory::kDataOffset, large)) << "nobody writes";
  std::atomic<bool> over = false;
  std::thread writer([&] {
    for (std::uint64_t i = 0; !over; ++i) write(file, memory::kDataOffset, i);
  });
  // Reading all of it takes as long as many of these writes.
  while (reader.read_settled(memory::kDataOffset, large)) {
  }
  over = true;
  writer.join();
}

// What a reader finds torn, or half made, is no worse than this.
TEST(ArenaReader, TakesAnyBitsForATable) {
  auto random = onecopy::testing::random_for("any bits");
  for (int round = 0; round < 40; ++round) {
    MemoryFile file = make_file();
    const auto scribble = [&](std::uint64_t offset, std::size_t words) {
      std::vector<std::uint64_t> bits(words);
      // Small numbers too, which are more often taken for an index or a kind.
      for (auto& word : bits) word = random() >> (random() % 64);
      ASSERT_TRUE(file.write_at(offset, bits.data(), bits.size() * sizeof(std::uint64_t)));
    };
    scribble(memory::kHeaderOffset, sizeof(ArenaHeader) / 8);
    scribble(memory::kMembersOffset, 64 * sizeof(memory::MemberRecord) / 8);
    scribble(memory::kTraceOffset, 64 * memory::kTraceBytes / 8);
    scribble(memory::kChannelsOffset, 64 * memory::kChannelBytes / 8);
    scribble(memory::kChannelLedgerOffset, 64 * memory::kChannelLedgerBytes / 8);
    scribble(memory::kBlocksOffset, 1024 * sizeof(memory::BlockRecord) / 8);
    scribble(memory::kBlockLedgerOffset, memory::kBlockLedgerBytes / 8);
    scribble(memory::kDataOffset, 1u << 16);
    // As often as not what lies in blocks is looked at, too.
    for (std::uint32_t block = 0; block < 1024; ++block) {
      const std::uint64_t record = memory::kBlocksOffset + block * sizeof(memory::BlockRecord);
      const std::uint64_t place[] = {memory::kDataOffset + block * 4096ull, 4096};
      write(file, record + offsetof(memory::BlockRecord, offset), place);
      write(file, record + offsetof(memory::BlockRecord, purpose),
            static_cast<std::uint32_t>(random() % (kPurposes + 1)));
      if (random() % 2 == 0) write(file, record, memory::OwnerWord::shared(3).bits());
    }
    write(file, offsetof(ArenaHeader, magic), memory::kMagic);
    write(file, offsetof(ArenaHeader, layout_version), memory::kLayoutVersion);
    write(file, offsetof(ArenaHeader, capacity), std::uint64_t{kFileBytes});
    write(file, offsetof(ArenaHeader, data_end), std::uint64_t{kFileBytes});
    write(file, offsetof(ArenaHeader, member_high_water), 64u);
    write(file, offsetof(ArenaHeader, channel_high_water), 64u);
    write(file, offsetof(ArenaHeader, block_count), 1024u);

    const auto snapshot = take_snapshot(file.descriptor());

    ASSERT_TRUE(snapshot) << snapshot.failure().text();
    for (const Channel& channel : snapshot->channels) {
      ASSERT_LT(channel.index, 64u);
      ASSERT_TRUE(channel.maximum == 0 || channel.waiting <= channel.maximum);
    }
    for (const Pool& pool : snapshot->pools) ASSERT_LE(pool.seats.size(), 63u) << "of a page";
    for (const HeldLock& lock : snapshot->locks) {
      ASSERT_TRUE(!lock.holder || *lock.holder < 64);
    }
    std::uint64_t blocks = 0;
    for (const Usage::Sum& sum : snapshot->blocks.usage.by_purpose) blocks += sum.blocks;
    ASSERT_EQ(blocks, snapshot->blocks.in_use.size());
  }
}

}  // namespace
}  // namespace onecopy::inspect
