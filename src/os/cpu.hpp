// Which processors this process may use, and how much of them.
//
// Who may call: any thread of any process. The set belongs to the calling thread and is inherited
// by what it starts; nothing is left behind.
#pragma once

#include <span>
#include <string>
#include <vector>

#include <onecopy/error.hpp>

namespace onecopy::os {

// The processors the calling thread may run on, ascending. Empty only where the kernel will not
// say.
std::vector<int> usable_cpus();
// How many; at least 1. One system call, no allocation.
int usable_cpu_count() noexcept;
// Whether that process may run where the calling thread may not. False where the kernel does not
// say, and where it is gone. Two system calls, no allocation.
bool may_run_elsewhere(int process) noexcept;
// Restricts the calling thread and what it starts. Error::invalid when none of them can be used.
Result<void> set_cpus(std::span<const int> cpus);

// How many processors' worth of time the control groups above us allow (1.5 is one and a half);
// infinity where none limits it. `root` is put before every path that is read.
double cgroup_cpu_quota(const std::string& root = "");

// Tells the processor that this is a spinning loop.
inline void pause() noexcept {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("isb" ::: "memory");
#else
  asm volatile("" ::: "memory");
#endif
}

// Tells the processor that the cache line at `address` is about to be read, or written: it is
// fetched meanwhile, from another core's cache if need be. Any address will do.
inline void fetch_to_read(const void* address) noexcept { __builtin_prefetch(address, 0); }
inline void fetch_to_write(const void* address) noexcept {
#if defined(__x86_64__)
  // The compiler leaves this one out where it is not told that the processor has it; one that has
  // it not does nothing.
  asm volatile("prefetchw %0" : : "m"(*static_cast<const char*>(address)));
#else
  __builtin_prefetch(address, 1);
#endif
}

// Lets another thread run that waits for this processor.
void yield_thread() noexcept;

}  // namespace onecopy::os
