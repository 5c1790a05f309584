// Being told of every fork(), whoever calls it: the engine, the program, or a C library.
//
// Who may call: any thread, at set-up. The hooks run in the forking thread: `prepare` before, then
// `parent` and, in the child, `child`; other threads do not exist in the child. prepare runs
// youngest registration first, the other two oldest first. vfork and raw clone run none. A hook
// must not register hooks.
#pragma once

namespace onecopy::os {

// Any hook may be null. Registering the same three again changes nothing; there is no
// way to take one back. Throws std::bad_alloc where the C library cannot note them.
void register_fork_hooks(void (*prepare)(), void (*parent)(), void (*child)());

}  // namespace onecopy::os
