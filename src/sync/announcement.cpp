#include "sync/announcement.hpp"

#include "memory/local.hpp"
#include "memory/reclaim.hpp"

namespace onecopy::sync {
namespace {

static_assert(sizeof(Announcement) == memory::kAnnouncementBytes);

// What the calling thread has, and in which member's name: a fork child's thread finds its
// parent's here.
struct Own {
  Announcement* at = nullptr;
  std::uint32_t owner = 0;
};
constinit thread_local Own own;

// Gives the announcement back when its thread ends.
struct Returner {
  ~Returner() {
    if (own.at == nullptr || own.owner != memory::local().lock_word) return;
    // Release: pairs with the acquire of who claims it next.
    own.at->owner.store(0, std::memory_order_release);
    own.at = nullptr;
  }
};

Announcement* claim(std::uint32_t me) noexcept {
  for (;;) {
    std::uint32_t count = announcement_count();
    for (std::uint32_t i = 0; i < count; ++i) {
      std::uint32_t nobody = 0;
      if (announcement(i).owner.load(std::memory_order_relaxed) == 0 &&
          announcement(i).owner.compare_exchange_strong(nobody, me, std::memory_order_acquire,
                                                        std::memory_order_relaxed)) {
        return &announcement(i);
      }
    }
    if (count == memory::kMaxAnnouncements) return nullptr;
    memory::header().announcement_high_water.compare_exchange_strong(count, count + 1,
                                                                     std::memory_order_seq_cst);
  }
}

Announcement* claim_for_thread() noexcept {
  if (!memory::in_family()) return nullptr;
  const std::uint32_t me = memory::local().lock_word;
  Announcement* const claimed = claim(me);
  if (claimed == nullptr) return nullptr;
  static thread_local Returner returner;
  static_cast<void>(returner);
  own = {claimed, me};
  return claimed;
}

void forget_dead(memory::Slot slot, std::uint32_t generation) noexcept {
  const std::uint32_t dead = memory::lock_word(slot, generation);
  const std::uint32_t count = announcement_count();
  for (std::uint32_t i = 0; i < count; ++i) {
    if (announcement(i).owner.load(std::memory_order_relaxed) != dead) continue;
    announcement(i).touched.store(0, std::memory_order_relaxed);
    announcement(i).owner.store(0, std::memory_order_release);
  }
}

[[maybe_unused]] const bool hooked = memory::add_reclaim_hook(forget_dead);

}  // namespace

Announcement* own_announcement() noexcept {
  if (own.at != nullptr && own.owner == memory::local().lock_word) [[likely]] {
    return own.at;
  }
  return claim_for_thread();
}

// Sequentially consistent: who raised it before its first touch is seen by whoever takes a lock
// that the touch found free.
std::uint32_t announcement_count() noexcept {
  return memory::header().announcement_high_water.load(std::memory_order_seq_cst);
}

Announcement& announcement(std::uint32_t index) noexcept {
  return reinterpret_cast<Announcement*>(memory::local().base +
                                         memory::kAnnouncementsOffset)[index];
}

}  // namespace onecopy::sync
