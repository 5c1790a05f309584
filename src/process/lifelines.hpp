// The lifelines by which the children of this process end with it.
//
// make_lifeline() before the child is started: the first end stays here until the child has ended
// (close_lifeline), the second goes to the child, which arms it (os/lifeline.hpp); the parent
// closes its copy of the second. When this process ends in whatever way, the kernel closes the
// first end and with that kills the child, busy or not. A child that is forked, by anybody, closes
// the first ends that it inherits, so that none of them outlives this process in a sibling.
//
// Any thread may call these. Nothing lies in shared memory.
#pragma once

#include <utility>

#include <onecopy/error.hpp>

namespace onecopy::process {

// (the end to keep, the end for the child to arm). Both close themselves at exec.
Result<std::pair<int, int>> make_lifeline();

// The same for a child that is to end with this process; -1 and -1 for any other.
Result<std::pair<int, int>> lifeline_for(bool daemon);

// The child has ended, or was never started. A number that no longer is the kept end that was made
// (the program closed it and another file got it) is left alone.
void close_lifeline(int kept) noexcept;

}  // namespace onecopy::process
