// Copying bytes that this processor will not look at again and another one soon will.
//
// After an ordinary copy the lines lie changed in the cache of whoever wrote them, and the reader's
// processor has to ask for each: on processors whose cores do not share their last cache that takes
// 15 to 20 times as long as a copy from memory. Stores that pass the caches by leave nothing to ask
// for, cost a sharing pair of cores little, and spare the reading of what is overwritten anyway.
// Source: AMD64 Architecture Programmer's Manual, volume 1, "Non-Temporal Stores".
//
// Any thread. What is stored afterwards is seen after the bytes, as after an ordinary copy.
#pragma once

#include <cstddef>

namespace onecopy::memory {

// Fewer bytes are copied as ever: they are on their way before they could be missed.
inline constexpr std::size_t kSmallestStream = 8192;

void stream_copy(std::byte* to, const std::byte* from, std::size_t bytes) noexcept;

}  // namespace onecopy::memory
