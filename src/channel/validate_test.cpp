// Each case breaks one invariant of a channel, in a process of its own, and wants to hear of it;
// and a getter must refuse what would harm it.
#include <gtest/gtest.h>

#include <cctype>
#include <cstring>
#include <functional>
#include <vector>

#include "channel/channel.hpp"
#include "channel/record.hpp"
#include "channel/segment.hpp"
#include "memory/owner.hpp"
#include "testing/fresh_process.hpp"
#include "testing/messages.hpp"

namespace onecopy::channel {
namespace {

using memory::BlockIndex;
using memory::OwnerWord;
using onecopy::testing::draft;
using onecopy::testing::in_fresh_process;
using onecopy::testing::put;
using onecopy::testing::shapes;

// A channel with a message of three blocks, one without, and one that is outlined.
struct Victim {
  Channel channel = Channel::create({.maximum = 10}).value();
  ChannelRecord& record = record_of(channel.name().index);
  RecordHead* first = nullptr;
  RecordHead* second = nullptr;
  BlockIndex* blocks = nullptr;    // of the first
  OutlineHead* outline = nullptr;  // of the third
  BlockIndex* outlined = nullptr;

  Victim() {
    for (const std::uint32_t shape : {2u, 0u, 6u}) {
      EXPECT_EQ(put(channel, draft(shape, shapes()[shape])), Put::done);
    }
    const BlockIndex segment = record.get_segment;
    first = at(segment, 0);
    second = at(segment, first->units);
    const RecordHead* const third = at(segment, first->units + second->units);
    blocks = reinterpret_cast<BlockIndex*>(first + 1);
    const BlockIndex outline_block = *reinterpret_cast<const BlockIndex*>(third + 1);
    outline = reinterpret_cast<OutlineHead*>(memory::block_data(outline_block));
    outlined = reinterpret_cast<BlockIndex*>(outline + 1);
    EXPECT_EQ(channel.validate(), "");
  }
  static RecordHead* at(BlockIndex segment, std::uint32_t position) {
    return reinterpret_cast<RecordHead*>(segment_at(segment, position));
  }
  void move_published(std::uint32_t count, std::uint32_t position) {
    const Progress published = load(record.published);
    record.put = {published.count + count, published.position + position};
    commit(record.published, record.put);
  }
};

struct Damage {
  const char* name;
  const char* what;  // part of the answer
  std::function<void(Victim&)> done;

  friend void PrintTo(const Damage& damage, std::ostream* out) { *out << damage.name; }
};

class ValidateChannel : public ::testing::TestWithParam<Damage> {};

TEST_P(ValidateChannel, Finds) {
  in_fresh_process([] {
    Victim victim;
    GetParam().done(victim);
    const std::string answer = victim.channel.validate();
    EXPECT_NE(answer.find(GetParam().what), std::string::npos) << answer;
  });
}

INSTANTIATE_TEST_SUITE_P(
    Damages, ValidateChannel,
    ::testing::Values(
        Damage{"MoreTaken", "more was taken", [](Victim& v) { commit(v.record.taken, {4, 0}); }},
        Damage{"MoreDone", "more was done", [](Victim& v) { commit(v.record.done, {4, 0}); }},
        Damage{"TooMany", "the maximum", [](Victim& v) { v.record.maximum = 2; }},
        Damage{"NoSegment", "not the channel's",
               [](Victim& v) { v.record.get_segment = 1u << 30; }},
        Damage{"FreeSegment", "not the channel's",
               [](Victim& v) { memory::set_owner(v.record.get_segment, OwnerWord::free()); }},
        Damage{"DataAsSegment", "not the channel's",
               [](Victim& v) { v.record.get_segment = v.blocks[0]; }},
        Damage{"OtherChannel", "names another channel",
               [](Victim& v) { segment_head(v.record.get_segment).channel = 77; }},
        Damage{"OutsideSegment", "lie in its segment",
               [](Victim& v) { segment_head(v.record.get_segment).base += 5000; }},
        Damage{"NoUnits", "longer than its room", [](Victim& v) { v.second->units = 0; }},
        Damage{"ManyUnits", "longer than its room", [](Victim& v) { v.second->units = 1u << 20; }},
        Damage{"LongBody", "longer than its room",
               [](Victim& v) { v.second->body_bytes = 0xfffffff0; }},
        Damage{"ManyBlocks", "longer than its room",
               [](Victim& v) { v.second->block_count = 0xffff; }},
        Damage{"LinkToNowhere", "not the channel's",
               [](Victim& v) { *v.second = {kLink, 0, 0, 0, 12345, 0}; }},
        Damage{"LinkToItself", "a wrong position",
               [](Victim& v) { *v.second = {kLink, 0, 0, 0, v.record.get_segment, 0}; }},
        Damage{"ForeignBlock", "a wrong owner",
               [](Victim& v) { memory::set_owner(v.blocks[0], OwnerWord::queued(77)); }},
        Damage{"NoBlock", "a wrong owner", [](Victim& v) { v.blocks[0] = 1u << 30; }},
        Damage{"NoPart", "a wrong owner", [](Victim& v) { v.blocks[2] = 1u << 30; }},
        Damage{"ForeignPart", "a wrong owner",
               [](Victim& v) { memory::set_owner(v.blocks[1], OwnerWord::held(0)); }},
        Damage{"OutlineTooLong", "longer than its room",
               [](Victim& v) { v.outline->body_bytes = ~std::uint64_t{0}; }},
        Damage{"OutlineOfManyBlocks", "longer than its room",
               [](Victim& v) { v.outline->block_count = 0xffffffff; }},
        Damage{"OutlinedForeignPart", "a wrong owner",
               [](Victim& v) { memory::set_owner(v.outlined[1], OwnerWord::held(0)); }},
        Damage{"WrongEnd", "end where it should", [](Victim& v) { v.move_published(0, 1); }},
        Damage{"OtherPlace", "another place", [](Victim& v) { ++v.record.put.position; }},
        Damage{"OtherLatest", "the latest message",
               [](Victim& v) {
                 EXPECT_EQ(put(v.channel, draft(0, shapes()[0])), Put::done);
                 v.record.latest_words[3].fetch_add(1);
               }},
        Damage{"LongLatest", "the latest message", [](Victim& v) { v.record.latest = 3; }},
        Damage{"WrongHint", "the segment for putting", [](Victim& v) { ++v.record.put_segment; }},
        Damage{"WrongSum", "bytes are in flight",
               [](Victim& v) { v.record.weight_put.sums[1].fetch_add(1); }},
        Damage{"Stranded", "lies in no message",
               [](Victim& v) {
                 memory::set_owner(memory::allocate_block(1).value(),
                                   OwnerWord::queued(v.channel.name().index));
               }},
        Damage{"OnItsWay", "on its way",
               [](Victim& v) {
                 memory::set_owner(memory::allocate_block(1).value(),
                                   OwnerWord::putting(0, v.channel.name().index, 3));
               }}),
    [](const auto& each) { return std::string(each.param.name); });

// What a getter would be harmed by it must refuse, and free what it has taken already.
class Corrupt : public ::testing::TestWithParam<Damage> {};

TEST_P(Corrupt, IsRefusedByAGetter) {
  in_fresh_process([] {
    Victim victim;
    GetParam().done(victim);
    Get outcome = Get::done;
    for (int i = 0; i < 3 && outcome == Get::done; ++i) {
      Incoming message;
      outcome = victim.channel.try_get(message, Contend::yes);
      EXPECT_TRUE(outcome == Get::done || message.blocks.empty());
      message.discard();
    }
    EXPECT_EQ(outcome, Get::corrupt);
    EXPECT_EQ(memory::validate_memory(), "");
  });
}

INSTANTIATE_TEST_SUITE_P(
    Damages, Corrupt,
    ::testing::Values(
        Damage{"ManyUnits", "", [](Victim& v) { v.second->units = 1u << 20; }},
        Damage{"LongBody", "", [](Victim& v) { v.second->body_bytes = 0xfffffff0; }},
        Damage{"ManyBlocks", "", [](Victim& v) { v.second->block_count = 0xffff; }},
        Damage{"NoBlock", "", [](Victim& v) { v.blocks[0] = 1u << 30; }},
        Damage{"NoPart", "", [](Victim& v) { v.blocks[2] = 1u << 30; }},
        Damage{"FreePart", "", [](Victim& v) { v.blocks[2] = v.blocks[1] + 1000; }},
        Damage{"OutlineTooLong", "", [](Victim& v) { v.outline->body_bytes = ~std::uint64_t{0}; }},
        Damage{"OutlineOfManyBlocks", "", [](Victim& v) { v.outline->block_count = 0xffffffff; }},
        Damage{"OutlinedNoPart", "", [](Victim& v) { v.outlined[1] = 1u << 30; }}),
    [](const auto& each) { return std::string(each.param.name); });

}  // namespace
}  // namespace onecopy::channel
