#!/usr/bin/env bash
# Installs the release build into a folder of its own and uses it as another project would: by
# CMake, by pkg-config, from a place that it was moved to, and out of the Debian package, which is
# built and unpacked but never installed. The project is tests/consumer/.
set -uo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
build="$root/build/release"
here="$root/build/consumer"
project="$root/tests/consumer"
cxx=${CXX:-g++}
passed=0
failed=0

# check WHAT COMMAND...: shows the command's output only where it fails.
check() {
  local what=$1 output
  shift
  if output=$("$@" 2>&1); then
    echo "passed $what"
    passed=$((passed + 1))
  else
    printf '%s\n' "$output"
    echo "FAILED $what"
    failed=$((failed + 1))
  fi
}

# library_folder PREFIX
library_folder() {
  local found
  found=$(find "$1" -name libonecopy.so -type f)
  [[ -n $found ]] && dirname "$found"
}

install_into() { cmake --install "$build" --prefix "$1"; }

has_all_headers() {
  diff <(cd "$root/include" && find . -name '*.hpp' | sort) <(cd "$1/include" && find . -type f | sort)
}

# Nothing that is read when a project is built knows where this was built.
names_no_folder_of_ours() {
  ! grep -rF "$root" --include='*.cmake' --include='*.pc' --include='*.hpp' "$1"
}

# all_headers_at_once PREFIX: in one file, with warnings as errors.
all_headers_at_once() {
  (cd "$1/include" && printf '#include <%s>\n' onecopy/*.hpp) |
    "$cxx" -std=c++20 -fsyntax-only -Wall -Wextra -Wpedantic -Werror -I"$1/include" -x c++ -
}

# by_cmake PREFIX NAME: RPATH leads the program to the library.
by_cmake() {
  cmake -S "$project" -B "$here/$2" -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_PREFIX_PATH="$1" \
    -DCMAKE_CXX_COMPILER="$cxx" -DWANTED="$version" &&
    grep -q "^onecopy_DIR:PATH=$1/" "$here/$2/CMakeCache.txt" &&
    cmake --build "$here/$2" && "$here/$2/consumer"
}

# refuses_other_versions PREFIX
refuses_other_versions() {
  local wanted output
  for wanted in 99 "$major.$((minor + 1))"; do
    output=$(cmake -S "$project" -B "$here/other" -G Ninja -DCMAKE_PREFIX_PATH="$1" \
      -DCMAKE_CXX_COMPILER="$cxx" -DWANTED="$wanted" 2>&1)
    if ! grep -qF "onecopy-config.cmake, version: $version" <<<"$output"; then
      echo "wanted $wanted: $output"
      return 1
    fi
  done
}

# by_pkg_config PREFIX NAME
by_pkg_config() {
  local folder flags
  folder=$(library_folder "$1") &&
    flags=$(PKG_CONFIG_PATH="$folder/pkgconfig" pkg-config --cflags --libs "onecopy = $version") || return
  # shellcheck disable=SC2086
  "$cxx" -std=c++20 -O1 "$project/main.cpp" $flags -o "$here/$2" && LD_LIBRARY_PATH="$folder" "$here/$2"
}

make_package() { (cd "$here" && cpack --config "$build/CPackConfig.cmake" -G DEB -B "$here/package"); }

# field NAME PATTERN: what the package says of itself.
field() {
  local value
  value=$(dpkg-deb --field "$package" "$1") && echo "$1: $value" && grep -qxE "$2" <<<"$value"
}

package_says_what_it_is() {
  field Package libonecopy-dev && field Version "${version//./\\.}" &&
    field Architecture "$(dpkg --print-architecture)" && field Section libdevel &&
    field Maintainer '.+ <.+@.+>' && field Depends '.*libc6\b.*' &&
    field Depends '.*libstdc\+\+6\b.*' && field Description '.+'
}

package_runs_ldconfig() { [[ $(dpkg-deb --info "$package" triggers) == 'activate-noawait ldconfig' ]]; }

package_files() {
  local folder header
  folder=./usr/$(sed -n 's/^CMAKE_INSTALL_LIBDIR:PATH=//p' "$build/CMakeCache.txt")
  printf '%s\n' "$folder/libonecopy.so" "$folder/pkgconfig/onecopy.pc" \
    "$folder/cmake/onecopy/onecopy-"{config,config-version,targets,targets-relwithdebinfo}.cmake \
    ./usr/share/doc/libonecopy-dev/copyright
  for header in "$root"/include/onecopy/*.hpp; do echo "./usr/include/onecopy/${header##*/}"; done
}

# Those, which belong to root, and nothing else.
package_has_its_files() {
  diff <(package_files | sort) <(
    dpkg-deb --contents "$package" | awk '$1 !~ /^d/ { print ($2 == "root/root" ? "" : $2 " ") $6 }' | sort)
}

unpack() { dpkg-deb --extract "$package" "$1"; }

version=$(sed -n 's/.*kVersionText = "\(.*\)".*/\1/p' "$root/include/onecopy/version.hpp")
IFS=. read -r major minor _ <<<"$version"
rm -rf "$here"
mkdir -p "$here"

check 'installs' install_into "$here/first"
check 'has all headers' has_all_headers "$here/first"
check 'takes all headers in one file' all_headers_at_once "$here/first"
check 'names no folder of ours' names_no_folder_of_ours "$here/first"
check 'a project finds it by CMake' by_cmake "$here/first" by_cmake
check 'a project that wants another version is refused' refuses_other_versions "$here/first"
check 'a program finds it by pkg-config' by_pkg_config "$here/first" by_pkg_config

mkdir "$here/elsewhere"
mv "$here/first" "$here/elsewhere/moved"
check 'moved, by CMake' by_cmake "$here/elsewhere/moved" by_cmake_moved
check 'moved, by pkg-config' by_pkg_config "$here/elsewhere/moved" by_pkg_config_moved

check 'the package is made' make_package
package=$(echo "$here"/package/*.deb)
check 'the package says what it is' package_says_what_it_is
check 'the package has its files' package_has_its_files
check 'the package runs ldconfig' package_runs_ldconfig
check 'the package unpacks' unpack "$here/unpacked"
check 'the package, by pkg-config' by_pkg_config "$here/unpacked/usr" by_pkg_config_unpacked

echo "$passed passed, $failed failed"
exit $((failed > 0))
