#include "os/cgroup.hpp"

#include <algorithm>
#include <charconv>
#include <sstream>

#include <fcntl.h>

#include "os/descriptor.hpp"

namespace onecopy::os {

namespace {

// One line of /proc/self/mountinfo, as far as it matters.
struct Mount {
  std::string group;      // The group that is seen at the mount point.
  std::string directory;  // The mount point.
};

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  std::istringstream stream{std::string(text)};
  for (std::string part; std::getline(stream, part, separator);) parts.push_back(part);
  return parts;
}

bool lists(std::string_view list, std::string_view name) {
  const auto names = split(list, ',');
  return std::find(names.begin(), names.end(), name) != names.end();
}

// The kernel writes blanks and backslashes in paths as octal numbers: "\040".
std::string unescape(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned code = 0;
    if (text[i] == '\\' && i + 3 < text.size() &&
        std::from_chars(text.data() + i + 1, text.data() + i + 4, code, 8).ptr ==
            text.data() + i + 4) {
      plain += static_cast<char>(code);
      i += 3;
    } else {
      plain += text[i];
    }
  }
  return plain;
}

bool is_inside(std::string_view group, std::string_view above) {
  if (above == "/") return true;
  return group.starts_with(above) && (group.size() == above.size() || group[above.size()] == '/');
}

// Where the tree that carries the controller is mounted. Of several mounts the one that shows the
// most groups above `group`.
std::optional<Mount> find_mount(const std::string& mountinfo, int version,
                                std::string_view controller, std::string_view group) {
  std::optional<Mount> best;
  bool best_fits = false;
  for (const std::string& line : split(mountinfo, '\n')) {
    // "id parent device root mount-point options [optional...] - type source super-options"
    const auto fields = split(line, ' ');
    const auto dash = std::find(fields.begin(), fields.end(), "-");
    if (dash - fields.begin() < 6 || fields.end() - dash < 4) continue;
    if (version == 2 ? dash[1] != "cgroup2" : dash[1] != "cgroup" || !lists(dash[3], controller)) {
      continue;
    }
    Mount mount{unescape(fields[3]), unescape(fields[4])};
    const bool fits = is_inside(group, mount.group);
    if (!best || (fits && (!best_fits || mount.group.size() < best->group.size()))) {
      best = std::move(mount);
      best_fits = fits;
    }
  }
  return best;
}

void append_directories(const Mount& mount, const std::string& group, int version,
                        std::vector<CgroupDirectory>& directories) {
  // A group outside of what is mounted (seen from inside a container as "/..") has limits that
  // cannot be read; those at the mount point still hold for us.
  std::string below;
  if (is_inside(group, mount.group) && group.find("/..") == std::string::npos) {
    below = mount.group == "/" ? group : group.substr(mount.group.size());
  }
  while (!below.empty() && below != "/") {
    directories.push_back({version, mount.directory + below});
    below.erase(below.rfind('/'));
  }
  directories.push_back({version, mount.directory});
}

}  // namespace

std::vector<CgroupDirectory> cgroup_directories(std::string_view controller,
                                                const std::string& root) {
  std::vector<CgroupDirectory> directories;
  const auto groups = read_small_file(root + "/proc/self/cgroup");
  const auto mountinfo = read_small_file(root + "/proc/self/mountinfo");
  if (!groups || !mountinfo) return directories;
  for (const std::string& line : split(*groups, '\n')) {
    // "7:cpu,cpuacct:/group" in version 1, "0::/group" in version 2.
    const auto first = line.find(':');
    const auto second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const std::string group = line.substr(second + 1);
    const int version = controllers.empty() ? 2 : 1;
    if (version == 1 && !lists(controllers, controller)) continue;
    if (const auto mount = find_mount(*mountinfo, version, controller, group)) {
      append_directories(*mount, group, version, directories);
    }
  }
  return directories;
}

std::optional<std::string> read_small_file(const std::string& path) {
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return std::nullopt;
  std::string text;
  char part[4096];
  for (;;) {
    const auto length = read_some(file.get(), part, sizeof part);
    if (!length && length.error() == Error::interrupted) continue;
    if (!length) return std::nullopt;
    if (*length == 0) return text;
    text.append(part, *length);
  }
}

std::optional<std::uint64_t> number_after(std::string_view text, std::string_view key) {
  for (std::size_t at = text.find(key); at != std::string_view::npos; at = text.find(key, at + 1)) {
    const bool starts_line = at == 0 || text[at - 1] == '\n';
    std::string_view rest = text.substr(at + key.size());
    if (!starts_line || rest.empty() || (rest[0] != ' ' && rest[0] != ':')) continue;
    rest.remove_prefix(std::min(rest.find_first_not_of(": "), rest.size()));
    return leading_number(rest);
  }
  return std::nullopt;
}

std::optional<std::uint64_t> leading_number(std::string_view text) {
  std::uint64_t number;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  if (parsed.ec != std::errc()) return std::nullopt;
  return number;
}

}  // namespace onecopy::os
