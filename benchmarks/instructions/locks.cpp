// Taking and leaving what nobody else wants.
#include <onecopy/lock.hpp>

#include <onecopy/semaphore.hpp>

#include "counted.hpp"

namespace onecopy::instructions {
namespace {

template <class Lockable>
void count_lock(const char* name, Lockable& lockable) {
  count(name, [&] {
    lockable.lock();
    lockable.unlock();
  });
}

}  // namespace

void count_locks() {
  Lock lock;
  count_lock("lock", lock);
  RLock recursive;
  count_lock("rlock", recursive);
  BoundedSemaphore semaphore(1);
  count_lock("semaphore", semaphore);
}

}  // namespace onecopy::instructions
