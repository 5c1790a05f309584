#!/usr/bin/env bash
# What the operations of benchmarks/instructions/ cost in instructions, held against what they cost
# when their baseline was written. Counts do not change with the load of a machine, and hardly with
# the machine; they do with the compiler, so each has a baseline of its own.
#
#   instructions.sh count PROGRAM COMPILER       counts under callgrind, as lines "NAME COUNT"
#   instructions.sh compare COUNTS FOLDER        with FOLDER/COMPILER.txt: "N passed, N failed"
#   instructions.sh renew COUNTS FOLDER          makes the counts that baseline
#
# More than 5 % above the baseline fails. Where there is none of this compiler's version, the one of
# the nearest version of the same compiler and machine is taken, and more than 25 % fails. Where there
# is none of these either, nothing can be told, and the comparison is skipped.
set -uo pipefail

# The C library copies in the way that suits the processor, unless it is told to know of none better.
tunables=glibc.cpu.hwcaps=-AVX512F,-AVX2,-AVX,-AVX_Fast_Unaligned_Load,-ERMS,-FSRM
within=5
within_other=25

# compiler_name COMPILER: what its baseline is called, such as gcc-12-x86_64.
compiler_name() {
  local kind=gcc major machine
  if "$1" --version | grep -q clang; then kind=clang; fi
  major=$("$1" -dumpversion) machine=$("$1" -dumpmachine)
  printf '%s-%s-%s\n' "$kind" "${major%%.*}" "${machine%%-*}"
}

count() ( # PROGRAM COMPILER
  folder=$(mktemp -d) && trap 'rm -rf "$folder"' EXIT || return
  printf '# Instructions of each operation, counted by callgrind. Written by ./test --baseline.\n'
  printf '# %s\n# %s, %s\n' "$(compiler_name "$2")" "$("$2" --version | head -n 1)" \
    "$(valgrind --version)"
  GLIBC_TUNABLES=$tunables valgrind --tool=callgrind --collect-atstart=no --callgrind-out-file="$folder/out.%p" \
    "$1" >"$folder/times" 2>"$folder/log" || { cat "$folder/log" >&2; return 1; }
  # A dump names what it is of, and then says how many instructions that took in all. The dumps are
  # numbered in the order of counting.
  find "$folder" -name 'out.*.*' | sort -V | xargs -r awk -v times="$(cat "$folder/times")" '
    $1 == "desc:" && $2 == "Trigger:" { name = $NF }
    $1 == "totals:" {
      each = $2 / times
      if (name == "loop") loop = each; else printf "%s %.1f\n", name, each - loop
    }'
)

# closest NAME FOLDER: the baseline of that compiler on that machine whose version is nearest.
closest() {
  local kind=${1%%-*} machine=${1##*-} major path other best='' distance least=1000
  major=${1#*-} major=${major%%-*}
  for path in "$2/$kind"-*-"$machine".txt; do
    [[ -e $path ]] || continue
    other=$(basename "$path") other=${other#*-} other=${other%%-*}
    distance=$((other > major ? other - major : major - other))
    if ((distance < least)); then least=$distance best=$path; fi
  done
  [[ -n $best ]] && printf '%s\n' "$best"
}

compiler_of() { sed -n '2s/^# //p' "$1"; }

compare() { # COUNTS FOLDER
  local name limit=$within baseline
  name=$(compiler_of "$1")
  baseline="$2/$name.txt"
  if [[ ! -e $baseline ]]; then
    if ! baseline=$(closest "$name" "$2"); then
      echo "there is no baseline of ${name%%-*} on ${name##*-}, so nothing can be told:"
      echo "./test --baseline writes $2/$name.txt"
      grep -v '^#' "$1"
      echo "0 passed, 0 failed, $(grep -vc '^#' "$1") skipped"
      return 0
    fi
    limit=$within_other
    echo "there is no baseline of $name: compared with $(basename "$baseline" .txt), and only what"
    echo "is more than $limit % above it fails. ./test --baseline writes $2/$name.txt"
  fi
  awk -v limit="$limit" -v within="$within" '
    /^#/ { next }
    FNR == NR { before[$1] = $2; next }
    {
      counted[$1] = 1
      if (!($1 in before)) {
        printf "FAILED %s: %.1f instructions, and it is not in the baseline: ", $1, $2
        print "./test --baseline writes it"
        ++failed
        next
      }
      change = before[$1] > 0 ? 100 * ($2 / before[$1] - 1) : 0
      verdict = change > limit ? "FAILED" : "passed"
      printf "%s %s: %.1f instructions, baseline %.1f (%+.1f %%)\n", verdict, $1, $2, before[$1], change
      if (change > limit) ++failed; else ++passed
      if (change < -within && limit == within) ++better
    }
    END {
      for (name in before) {
        if (name in counted) continue
        printf "FAILED %s: it is in the baseline, and was not counted\n", name
        ++failed
      }
      if (better) printf "%d are better by more than %d %%: ./test --baseline makes that the baseline\n", better, within
      printf "%d passed, %d failed\n", passed, failed
      exit failed > 0
    }' "$baseline" "$1"
}

renew() { # COUNTS FOLDER
  mkdir -p "$2" && cp "$1" "$2/$(compiler_of "$1").txt" && echo "written: $2/$(compiler_of "$1").txt"
}

case ${1:-} in
  count | compare | renew) "$@" ;;
  *) sed -n '2,/^set/{/^#/p}' "$0" >&2; exit 2 ;;
esac
