# What ./run and ./test share: the packages of the system, .venv/, the builds. Sourced, with `root`
# set to the project's folder. Everything said goes to stderr: stdout belongs to the program.
# shellcheck shell=bash disable=SC2154

set -o pipefail
venv="$root/.venv"
logs="$root/build/logs"
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1
mkdir -p "$logs"

say() { printf 'onecopy: %s\n' "$*" >&2; }

# Shows of its input only how far it is: on a terminal in one line that is written over, elsewhere
# in a line now and then. Says `announcing` once there is something to build.
show_progress() {
  local line step='' said=$SECONDS announce=${announcing:-}
  while IFS= read -r line || [[ -n $line ]]; do
    if [[ -n $announce && $line =~ \]\ (Building|Linking) ]]; then
      say "$announce"
      announce=''
    fi
    if [[ $line =~ \[([0-9]+/[0-9]+)\] || $line =~ ^\ *([0-9]+/[0-9]+)\ Test || $line =~ \[\ *([0-9]+%)\] ]]; then
      step=${BASH_REMATCH[1]}
    elif [[ $line =~ ^\ *(Downloading|Get:[0-9]+|Setting\ up)\ ([^ ]+) ]]; then
      step="${BASH_REMATCH[1]%%:*} ${BASH_REMATCH[2]##*/}"
    else
      continue
    fi
    if [[ -t 2 ]]; then
      printf '\r\033[K  %s' "$step" >&2
    elif ((SECONDS - said >= 10)); then
      printf '  %s\n' "$step" >&2
      said=$SECONDS
    fi
  done
  if [[ -t 2 && -n $step ]]; then printf '\r\033[K' >&2; fi
}

# logged NAME COMMAND...: the command's output goes to build/logs/NAME.log, and its end is shown
# when it fails, but for lines that match `hiding`.
logged() {
  local log="$logs/$1.log" status=0
  shift
  "$@" </dev/null 2>&1 | tee "$log" | show_progress || status=$?
  if ((status != 0)); then
    grep -vE "${hiding:-^$}" "$log" | tail -n 80 >&2
    say "failed: $* (all of it: ${log#"$root/"})"
  fi
  return $status
}

# locked COMMAND...: one ./run or ./test at a time changes build/ and .venv/.
locked() {
  (
    if ! flock --nonblock 9; then
      say "waiting for another ./run or ./test to finish its building"
      flock 9
    fi
    "$@"
  ) 9>"$root/build/.lock"
}

# fingerprint PATH...: names, sizes and times of what a build reads.
fingerprint() {
  (cd "$root" && find "$@" -name __pycache__ -prune -o -type f ! -name '.*' ! -name '*_test.*' \
    ! -name 'test_*.py' -printf '%p %s %T@\n') | LC_ALL=C sort | sha256sum | cut -d ' ' -f 1
}

# --- packages of the system ---

missing=()
need_command() { command -v "$1" >/dev/null || missing+=("$2"); }
need_file() { compgen -G "$1" >/dev/null || missing+=("$2"); }

need_compiler() {
  need_command "${CXX:-g++}" g++
  need_command cmake cmake
  need_command ninja ninja-build
}

need_gtest() { need_file '/usr/include/gtest/gtest.h' libgtest-dev; }

# What examples/cpp/s3_blas_threads.cpp multiplies with.
need_blas() { need_file '/usr/include/*/openblas_config.h' libopenblas-dev; }

# What ./bench native measures beside Onecopy.
need_peers() {
  need_file '/usr/include/boost/interprocess/ipc/message_queue.hpp' libboost-dev
  need_file '/usr/include/zmq.h' libzmq3-dev
}

need_python() {
  [[ -x $venv/bin/python ]] && return
  local python=${ONECOPY_PYTHON:-python3}
  if ! command -v "$python" >/dev/null; then
    missing+=(python3 python3-venv python3-dev)
    return
  fi
  local lacking
  lacking=$("$python" - <<'END'
import importlib.util, os, sysconfig
if importlib.util.find_spec("ensurepip") is None:
    print("python3-venv")
if not os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h")):
    print("python3-dev")
END
  ) || { say "$python does not run"; return 2; }
  # shellcheck disable=SC2206
  missing+=($lacking)
}

install_missing() {
  ((${#missing[@]})) || return 0
  local install=(apt-get install -y --no-install-recommends "${missing[@]}")
  if ! command -v apt-get >/dev/null; then
    say "needed, under the names that Debian gives them: ${missing[*]}; install them and call again"
    return 2
  fi
  if ((EUID != 0)); then
    say "some packages are missing; install them with the next line and call again"
    printf 'sudo apt-get update && sudo %s\n' "${install[*]}" >&2
    return 2
  fi
  say "installing ${missing[*]}"
  # Lists that were never fetched, or are old, show as a failure to install.
  DEBIAN_FRONTEND=noninteractive "${install[@]}" </dev/null >"$logs/apt.log" 2>&1 && return
  DEBIAN_FRONTEND=noninteractive logged apt bash -c "apt-get update && ${install[*]}" || return 2
}

# --- the engine ---

# configure PRESET [-DNAME=VALUE...]
configure() {
  local preset=$1 folder="$root/build/$1" home=''
  shift
  if [[ -f $folder/CMakeCache.txt ]]; then
    home=$(sed -n 's/^CMAKE_HOME_DIRECTORY:INTERNAL=//p' "$folder/CMakeCache.txt")
    if [[ $home != "$root" ]]; then rm -rf "$folder"; fi  # this folder was moved or copied
  fi
  if (($# == 0)) && [[ $folder/build.ninja -nt $root/CMakePresets.json ]]; then return; fi
  (cd "$root" && logged "configure-$preset" cmake --preset "$preset" "$@")
}

# build_engine PRESET [TARGET...]
build_engine() {
  local preset=$1 ninja
  shift
  configure "$preset" || return
  ninja=$(sed -n 's/^CMAKE_MAKE_PROGRAM:[A-Z]*=//p' "$root/build/$preset/CMakeCache.txt")
  announcing="building the engine ($preset)" \
    logged "build-$preset" "$ninja" -C "$root/build/$preset" -j "$(nproc)" "$@"
}

# --- the Python package ---

ensure_venv() {
  local python=${ONECOPY_PYTHON:-python3} mark have='' want=''
  mark="$venv/.onecopy-made-for"
  have="$root $(readlink -f "$venv/bin/python" || true)"
  if [[ -n ${ONECOPY_PYTHON:-} ]]; then
    want="$root $(readlink -f "$("$python" -c 'import sys; print(sys.executable)')")" || return 2
  else
    want=$have
  fi
  if [[ -x $venv/bin/python && $have == "$want" && $(cat "$mark" 2>/dev/null) == "$want" ]]; then
    return
  fi
  "$python" -c 'import sys; sys.exit(sys.version_info < (3, 9))' || {
    say "Onecopy needs Python 3.9 or newer; ONECOPY_PYTHON says which to take instead of $python"
    return 2
  }
  say "making .venv/ with $("$python" --version)"
  rm -rf "$venv"
  logged venv "$python" -m venv "$venv" || return
  # --group came with pip 25.1.
  logged pip "$venv/bin/python" -m pip install 'pip>=25.1' || return
  printf '%s %s\n' "$root" "$(readlink -f "$venv/bin/python")" >"$mark"
}

# ensure_requirements GROUP: what pyproject.toml lists under that name, into .venv/.
ensure_requirements() {
  local mark="$venv/.onecopy-group-$1"
  if [[ $mark -nt $root/pyproject.toml ]]; then return; fi
  say "installing what is needed to $1"
  (cd "$root" && logged "pip-$1" "$venv/bin/python" -m pip install --group "$1") || return
  touch "$mark"
}

# ensure_package EXTRA: the package built from this tree, with its optional requirements of that
# name, into .venv/; nothing where it is there already.
ensure_package() {
  local mark="$venv/.onecopy-package-$1" now
  ensure_venv || return
  now=$(fingerprint CMakeLists.txt cmake pyproject.toml include src python docs/man)
  if [[ $(cat "$mark" 2>/dev/null) == "$now" ]]; then return; fi
  ensure_requirements build || return
  say "building the Python package"
  (cd "$root" && logged package "$venv/bin/python" -m pip install --verbose --no-build-isolation \
    --config-settings=build-dir=build/python ".[$1]") || return
  printf '%s\n' "$now" >"$mark"
}
