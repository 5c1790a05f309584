// Ends of pipes under names.
//
// What lies in the table is where the channels are, and where the socket is handed out: by a thread
// of the publisher's, as a descriptor cannot lie in shared memory (os/descriptor_desk.hpp). An end
// that was found is one like any other; so is the publisher's, which stays open, whatever becomes
// of its handles, until the name is withdrawn or its process ends. A forked child has no part in
// the name; the memory of a pipe that its parent had published at the fork it holds, as that of any
// that is open then, until it ends.
//
// Any thread of any member. A death leaves what names/table.hpp says.
#pragma once

#include <string_view>

#include "channel/pipe_end.hpp"
#include "names/table.hpp"

namespace onecopy::names {

// Errors as publish_value()'s; too_many, system: there can be no thread, or no descriptor.
Result<void> publish_pipe(std::string_view name, const channel::PipeEnd& end);

// For find_round() (names/find.hpp), whose deadline it is: where the publisher does not answer
// within a slice, Error::not_found, so that the caller goes on looking, and Error::timed_out once
// the deadline is over. Not `waits`: the deadline was over from the beginning, and there is one
// look of some patience. Error::closed: it is gone since. Error::invalid: it is no end of a pipe.
// Error::system: its publisher lives and hands it to nobody here. Error::interrupted: a signal
// arrived. Error::too_many: no descriptor is free.
Result<channel::PipeEnd> open_pipe(std::string_view name, const Found& found, os::Deadline deadline,
                                   bool waits);

// The name was withdrawn: this process no longer has the end on its account.
void let_go_pipe(const Found& found) noexcept;

}  // namespace onecopy::names
