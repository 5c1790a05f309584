#include "process/greeting.hpp"

#include <onecopy/version.hpp>

#include "memory/arena.hpp"
#include "memory/layout.hpp"
#include "os/system.hpp"

namespace onecopy::process {
namespace {

std::string version_of(const Hello& hello) {
  return memory::version_text(hello.package_version) + " (layout " +
         std::to_string(hello.layout_version) + ")";
}

}  // namespace

Hello hello_of_self() noexcept {
  return {.greeting = kGreeting,
          .package_version = kVersion,
          .layout_version = memory::kLayoutVersion,
          .pid = static_cast<std::uint32_t>(os::process_id()),
          .unused = 0};
}

Result<void> check_versions(const Hello& other, const std::string& whose) {
  const Hello own = hello_of_self();
  if (other.package_version == own.package_version && other.layout_version == own.layout_version) {
    return {};
  }
  return Failure{Error::version_mismatch, 0,
                 "this process has Onecopy " + version_of(own) + ", " + whose + " has " +
                     version_of(other) + ": run both with one version"};
}

}  // namespace onecopy::process
