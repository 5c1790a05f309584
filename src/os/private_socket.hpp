// Sockets that other processes of this user find by a path: in a directory that is the user's
// alone.
//
// Who may call: any thread. The sockets keep messages apart (SOCK_SEQPACKET), never block, and
// close themselves at exec. A process that dies leaves the file of its socket behind: nobody
// answers there, and the next who binds to the path replaces it. Two that bind at the same time
// take turns by a lock on the directory, which the kernel gives back by itself.
#pragma once

#include <string>

#include <onecopy/error.hpp>

#include "os/descriptor.hpp"

namespace onecopy::os {

// One that is neither bound nor connected yet. Errors: too_many, system.
Result<Descriptor> message_socket();

// The path from the root on, whatever the working directory will be. Error::closed: there is no
// working directory any more.
Result<std::string> absolute_path(const std::string& path);

// Whether the directory that `path` lies in is this user's and nobody else may enter it.
// Error::permission, which names the directory and what it has instead; Error::system.
Result<void> check_privacy(const std::string& path);

// Where a socket lies: its path, and what tells it from any other that lies there later.
struct BoundSocket {
  Descriptor socket;
  FileIdentity file;
};
// Binds to the path and listens; makes the directory, not those above it, where there is none.
// Errors: as check_privacy(); system with EADDRINUSE: a process listens there already, or the file
// is no socket; invalid: the path is too long for a socket; timed_out: somebody has kept the
// directory locked for seconds.
Result<BoundSocket> listen_at(const std::string& path);
// Removes the file, if it is that socket's still.
void remove_socket(const std::string& path, const FileIdentity& file) noexcept;

// A connection to who listens there. Error::system, with ENOENT or ECONNREFUSED: nobody does; full:
// too many wait there already. check_privacy() is the caller's.
Result<Descriptor> connect_to(const std::string& path);

// The next who has connected. Errors: empty; too_many (open files), system.
Result<Descriptor> accept_connection(int listener);

}  // namespace onecopy::os
