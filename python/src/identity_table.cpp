#include "identity_table.hpp"

namespace onecopy::python {

void IdentityTable::grow() {
  std::vector<Entry> old(entries_.empty() ? kFirstSize : 2 * entries_.size());
  old.swap(entries_);
  for (const Entry& entry : old) {
    if (entry.epoch == epoch_) place_of(entry.object) = entry;
  }
}

void IdentityTable::clear() noexcept {
  if (used_ == 0) return;
  used_ = 0;
  ++epoch_;
  // A table that grew large is given up, and so is one whose epochs have run out.
  if (entries_.size() > kMostKept || epoch_ == 0) {
    entries_.clear();
    entries_.shrink_to_fit();
    epoch_ = 1;
  }
}

}  // namespace onecopy::python
