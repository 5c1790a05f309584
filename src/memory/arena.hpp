// The arena as this process maps it: making one, mapping that of a family, and checking that both
// sides mean the same by what lies in it.
//
// Internal to the room: called by family.cpp, with its mutex held, before this process is a member.
// What is filled in is local(). A death in the middle leaves nothing: nobody else has seen a new
// arena, and mapping one changes nothing in it.
#pragma once

#include <cstdint>
#include <string>

#include <onecopy/error.hpp>

namespace onecopy::memory {

// Makes an arena of as much address space as can be had, with a header and empty books. Errors:
// no_memory, invalid (ONECOPY_MEMORY_LIMIT), and what the system says.
Result<void> make_arena();
// Maps the arena behind that descriptor, which is not consumed. Errors: corrupt (it is none),
// version_mismatch, which names both versions, permission (another user's), no_memory.
Result<void> map_family(int descriptor);
// Undoes map_family() or make_arena().
void unmap_arena() noexcept;

// The version of a package as its users know it, from the header's word.
std::string version_text(std::uint32_t version);

// Whether that number stands for the arena's file now; programs close descriptors behind our back.
bool is_arena(int descriptor) noexcept;

}  // namespace onecopy::memory
