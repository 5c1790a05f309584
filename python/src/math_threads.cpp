#include "math_threads.hpp"

#include <dlfcn.h>
#include <link.h>

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "os/cpu.hpp"

namespace onecopy::python {
namespace {

struct Control {
  const char* processors;   // int(): how many threads it would use by itself
  const char* threads;      // int(): how many it uses
  const char* set_threads;  // void(int)
};

// OpenBLAS has a prefix in NumPy's and SciPy's wheels, and a suffix where it counts in 64 bits.
constexpr std::array kControls{
    Control{"scipy_openblas_get_num_procs64_", "scipy_openblas_get_num_threads64_",
            "scipy_openblas_set_num_threads64_"},
    Control{"scipy_openblas_get_num_procs", "scipy_openblas_get_num_threads",
            "scipy_openblas_set_num_threads"},
    Control{"openblas_get_num_procs64_", "openblas_get_num_threads64_",
            "openblas_set_num_threads64_"},
    Control{"openblas_get_num_procs", "openblas_get_num_threads", "openblas_set_num_threads"},
    Control{"omp_get_num_procs", "omp_get_max_threads", "omp_set_num_threads"},
};

bool may_be_one(std::string_view path) {
  return path.find("openblas") != std::string_view::npos ||
         path.find("omp") != std::string_view::npos;
}

int collect(dl_phdr_info* loaded, std::size_t, void* paths) {
  if (may_be_one(loaded->dlpi_name)) {
    static_cast<std::vector<std::string>*>(paths)->emplace_back(loaded->dlpi_name);
  }
  return 0;
}

template <typename Function>
Function* find(void* library, const char* name) {
  return reinterpret_cast<Function*>(dlsym(library, name));
}

// What OpenBLAS's own function does, but for starting its threads in a forked child, which has
// none: there they would be there for nothing where each process is to use one. False: nothing was
// done, as from 0.3.34 on, where its variable is hidden.
bool lower(void* library, const Control& control, int threads) {
  const auto present = find<int()>(library, control.threads);
  const auto variable = static_cast<int*>(dlsym(library, "blas_cpu_number"));
  if (present == nullptr || variable == nullptr) return false;
  if (*variable != present() || *variable < threads) return false;
  *variable = threads;
  return present() == threads;
}

}  // namespace

void set_math_threads(int threads) {
  std::vector<std::string> paths;
  dl_iterate_phdr(&collect, &paths);
  for (const std::string& path : paths) {
    void* library = dlopen(path.c_str(), RTLD_LAZY | RTLD_NOLOAD);
    if (library == nullptr) continue;
    for (const Control& control : kControls) {
      const auto processors = find<int()>(library, control.processors);
      const auto set_threads = find<void(int)>(library, control.set_threads);
      if (processors == nullptr || set_threads == nullptr) continue;
      const int wanted = threads > 0 ? threads : processors();
      if (!lower(library, control, wanted)) set_threads(wanted);
    }
    dlclose(library);
  }
}

double processor_quota() { return os::cgroup_cpu_quota(); }

}  // namespace onecopy::python
