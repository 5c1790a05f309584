# The suites of ./test: how each kind is run and how its results are counted. Sourced after setup.sh.
# shellcheck shell=bash disable=SC2154

total_passed=0
total_failed=0
total_skipped=0
summary=()

# suite NAME FUNCTION ARGS...: runs one suite. The function sets passed, failed and skipped, and
# returns non-zero for a failure that it could not count.
suite() {
  local name=$1 begin=$SECONDS passed=0 failed=0 skipped=0 status=0 line
  shift
  suite_name=$name
  say "testing: $name"
  "$@" || status=$?
  if ((status != 0 && failed == 0)); then failed=1; fi
  if ((status == 0 && passed + failed + skipped == 0)); then
    say "$name ran nothing"
    failed=1
  fi
  line=$(printf '%-14s %5d passed %3d failed %3d skipped %5d s' \
    "$name" "$passed" "$failed" "$skipped" $((SECONDS - begin)))
  printf '  %s\n' "$line" >&2
  summary+=("$line")
  total_passed=$((total_passed + passed))
  total_failed=$((total_failed + failed))
  total_skipped=$((total_skipped + skipped))
}

# The summary, then the closing line, alone on its line; exits.
close_suites() {
  local skipped=''
  printf '\n'
  printf '%s\n' "${summary[@]}"
  if ((total_skipped > 0)); then skipped=", $total_skipped skipped"; fi
  printf '\n%d passed, %d failed%s\n' "$total_passed" "$total_failed" "$skipped"
  exit $((total_failed > 0))
}

# number PATTERN: the number that the suite's log has in its last match of "N PATTERN".
number() {
  local found
  found=$(grep -oE "[0-9]+ $1" "$logs/test-$suite_name.log" | tail -n 1)
  printf '%d' "${found%% *}"
}

# A command that is one check: it passes or fails as a whole.
check_one() {
  if logged "test-$suite_name" "$@"; then passed=1; else failed=1; fi
}

# A command whose last line is "N passed, N failed", and perhaps how many were skipped.
counted() {
  local status=0
  logged "test-$suite_name" "$@" || status=$?
  passed=$(number passed)
  failed=$(number failed)
  skipped=$(number skipped)
  return $status
}

# clang_format OPTIONS...: over every C++ file of ours.
clang_format() {
  find include src python/src examples/cpp benchmarks cmake tests -name '*.[ch]pp' -print0 |
    xargs -0 "$venv/bin/clang-format" "$@"
}

# ctest_suite PRESET CTEST_OPTIONS...
ctest_suite() {
  local preset=$1 status=0 log="$logs/test-$suite_name.log"
  shift
  locked build_engine "$preset" || return
  hiding='^ +Start |\.\. +Passed ' \
    logged "test-$suite_name" ctest --preset "$preset" --parallel "$(nproc)" "$@" || status=$?
  failed=$(number 'tests? failed out of')
  skipped=$(grep -c '\*\*\*Skipped' "$log")
  passed=$(($(sed -n 's/^[0-9]*% tests passed.* out of \([0-9]*\)$/\1/p' "$log") - failed - skipped))
  return $status
}

# What the operations of the C++ library cost in instructions (tools/instructions.sh).
counts="build/instructions.txt"
baselines=benchmarks/instructions

count_instructions() {
  local compiler
  locked build_engine release counted_operations || return
  compiler=$(sed -n 's/^CMAKE_CXX_COMPILER:[A-Z]*=//p' build/release/CMakeCache.txt)
  tools/instructions.sh count build/release/benchmarks/counted_operations "$compiler" >"$counts"
}
renew_baseline() { tools/instructions.sh renew "$counts" "$baselines"; }

instructions_suite() {
  count_instructions && counted tools/instructions.sh compare "$counts" "$baselines"
}

# The package of libFuzzer for the clang that is, or would be, installed.
fuzzer_package() {
  local version
  version=$(clang --version 2>/dev/null | sed -n 's/.*clang version \([0-9]*\).*/\1/p')
  printf 'libclang-rt-%sdev' "${version:+$version-}"
}

# Every fuzzer for a minute, starting from its corpus; what it finds new stays in build/fuzz/.
fuzz_suite() {
  local source name finds
  locked build_engine fuzz || return
  while IFS= read -r source; do
    name=$(basename "$source" .cpp)
    finds="build/fuzz/finds/$name"
    mkdir -p "$finds"
    if logged "test-fuzz-$name" "build/fuzz/fuzz/$name" -max_total_time=60 -seed="$ONECOPY_TEST_SEED" \
      -artifact_prefix="$finds/" "$finds" "${source%.cpp}_corpus"; then
      passed=$((passed + 1))
    else
      failed=$((failed + 1))
    fi
  done < <(find src -name '*_fuzz.cpp')
}

package_suite() {
  if locked ensure_package test; then passed=1; else failed=1; fi
}

# pytest_suite VENV [PATH...]: each test has its own time limit, five times as long where it kills
# 25 times as often; the whole has one for what escapes that.
pytest_suite() {
  local status=0 marked='not soak' limit=1800 each=()
  if [[ -n ${ONECOPY_TEST_LONG:-} ]]; then
    marked=''
    limit=7200
    each=(--timeout 600 -o faulthandler_timeout=590)
  fi
  logged "test-$suite_name" timeout --kill-after=10 "$limit" "$1/bin/pytest" -m "$marked" \
    "${each[@]}" \
    --hypothesis-seed="$ONECOPY_TEST_SEED" "${@:2}" || status=$?
  passed=$(number passed)
  failed=$(($(number failed) + $(number 'errors?')))
  skipped=$(number skipped)
  return $status
}

# Each Python example under stock and under Onecopy: it must end well and give the same answer.
python_examples() {
  local program
  for program in examples/*.py; do
    if logged "test-examples-$(basename "$program" .py)" \
      "$venv/bin/onecopy" compare --runs 1 "$program" --size 10000; then
      passed=$((passed + 1))
    else
      failed=$((failed + 1))
    fi
  done
}

# Another project that uses the installed release build.
consumer_suite() {
  locked build_engine release onecopy && counted tools/check_consumer.sh
}

cpp_examples() {
  local source name
  for source in examples/cpp/*.cpp; do
    [[ -e $source ]] || continue
    name=$(basename "$source" .cpp)
    if locked build_engine release "example_$name" &&
      logged "test-examples-cpp-$name" "build/release/examples/$name" --size 10000; then
      passed=$((passed + 1))
    else
      failed=$((failed + 1))
    fi
  done
}

# Each program in Python with a worker in C++, which joins it.
joined_examples() {
  local producer name
  for producer in examples/cpp/*/producer.py; do
    name=$(basename "$(dirname "$producer")")
    if locked build_engine release "example_$name" &&
      logged "test-examples-joined-$name" "$venv/bin/python" "$producer" \
        --worker "build/release/examples/$name" --size 10000; then
      passed=$((passed + 1))
    else
      failed=$((failed + 1))
    fi
  done
}

# The interpreters of this machine that Onecopy supports, one of each version, but that of .venv/:
# lines "VERSION PATH".
other_interpreters() {
  local python about='import sys, platform as p
if sys.version_info >= (3, 9) and p.python_implementation() == "CPython":
    print("%d.%d" % sys.version_info[:2], sys.executable)'
  local own
  own=$("$venv/bin/python" -c "$about")
  for python in $(compgen -c python3. | grep -E '^python3\.[0-9]+$' | sort -u) \
    ~/.pyenv/versions/*/bin/python3; do
    "$python" -c "$about" 2>/dev/null
  done | sort -k 1,1 -V -u | grep -v "^${own%% *} "
}

# make_wheel NAME PYTHON: in build/interpreters/NAME/, a venv/, the wheel built there, and installed
# where there is nothing else.
make_wheel() {
  local folder="$root/build/interpreters/$1"
  rm -rf "$folder/venv" "$folder/wheel"
  logged "venv-$1" "$2" -m venv "$folder/venv" &&
    logged "wheel-$1" "$folder/venv/bin/python" -m pip wheel --no-deps --wheel-dir "$folder/wheel" \
      --config-settings=build-dir="$folder/build" . &&
    logged "install-$1" "$folder/venv/bin/python" -m pip install --no-index \
      "$folder"/wheel/onecopy-*.whl &&
    logged "alone-$1" "$folder/venv/bin/python" tests/package/alone.py
}

# sampled_pytest_suite VENV [PATH...]: without the soaks, and with a sample of the kills: these are
# about the engine, which is the same on every interpreter, and take as long as all the rest twice.
sampled_pytest_suite() {
  local long=${ONECOPY_TEST_LONG:-} status=0
  unset ONECOPY_TEST_LONG
  pytest_suite "$@" || status=$?
  if [[ -n $long ]]; then export ONECOPY_TEST_LONG=$long; fi
  return $status
}

# interpreter_suite VERSION PYTHON: the wheel, built, installed and tested there.
interpreter_suite() {
  local folder="$root/build/interpreters/$1"
  make_wheel "$1" "$2" &&
    logged "requirements-$1" "$folder/venv/bin/python" -m pip install \
      "$(echo "$folder"/wheel/onecopy-*.whl)[test]" || return
  sampled_pytest_suite "$folder/venv"
}

# The oldest NumPy that is served, and the last Python that it came for; the wheel is built with a
# newer NumPy, as all are. Lines "VERSION PATH", none where there is no such Python.
python_of_oldest_numpy() {
  { "$venv/bin/python" -c 'import sys; print("%d.%d" % sys.version_info[:2], sys.executable)'
    other_interpreters; } | grep -E '^3\.(9|10|11) ' | sort -V | tail -n 1
}

# oldest_numpy_suite PYTHON: the wheel beside NumPy 1.24, and the last pyarrow but some that does with
# it.
oldest_numpy_suite() {
  local folder="$root/build/interpreters/numpy1.24"
  make_wheel numpy1.24 "$1" &&
    logged requirements-numpy1.24 "$folder/venv/bin/python" -m pip install \
      "$(echo "$folder"/wheel/onecopy-*.whl)[test]" 'numpy==1.24.*' 'pyarrow<22' || return
  sampled_pytest_suite "$folder/venv" python/tests tests/package
}
