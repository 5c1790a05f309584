#!/usr/bin/env bash
# Checks the Spin models: each docs/models/*.pml (or those named), in each way that its first lines
# ask for. Such a line reads
#
#   /* check: SPIN OPTIONS ; COMPILER OPTIONS ; VERIFIER OPTIONS */
#
# where each part may be empty, for example  /* check: -DSLOTS=2 ; -DSAFETY ; -m100000 */  for
# assertions and deadlocks and  /* check: -DSLOTS=2 ; ; -a -f -N served */  for a liveness claim.
# What is left unsearched (depth or memory too small) counts as an error.
set -uo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
passed=0
failed=0

trim() { sed 's/^[[:space:]]*//; s/[[:space:]]*$//' <<<"$1"; }

# check_one MODEL SPIN_OPTIONS COMPILER_OPTIONS VERIFIER_OPTIONS: the verifier's report, and whether
# it is clean.
check_one() (
  folder=$(mktemp -d "$root/build/model.XXXXXX") && trap 'rm -rf "$folder"' EXIT && cd "$folder" || return
  read -ra spin_options <<<"$2"
  read -ra compiler_options <<<"$3"
  read -ra verifier_options <<<"$4"
  spin "${spin_options[@]}" -a "$1" &&
    cc -O2 -w "${compiler_options[@]}" -o pan pan.c &&
    ./pan "${verifier_options[@]}" >report 2>&1
  status=$?
  cat report 2>/dev/null
  ((status == 0)) && grep -q 'errors: 0' report &&
    ! grep -qE 'max search depth too small|out of memory|aborted|^error:' report
)

mkdir -p "$root/build"
if (($# == 0)); then
  shopt -s nullglob
  set -- "$root"/docs/models/*.pml
fi
for model in "$@"; do
  model=$(readlink -f "$model")
  name=${model#"$root/"}
  checks=$(sed -n '/^\/\* check:/!q; s/^\/\* check:\(.*\)\*\/ *$/\1/p' "$model")
  if [[ -z $checks ]]; then
    echo "FAILED $name: its first line says nothing to check"
    failed=$((failed + 1))
    continue
  fi
  while IFS=';' read -r spin_options compiler_options verifier_options; do
    check=$(trim "$spin_options ; $compiler_options ; $verifier_options")
    if report=$(check_one "$model" "$spin_options" "$compiler_options" "$verifier_options" 2>&1); then
      states=$(sed -n 's/^ *\([0-9.e+]*\) states, stored.*/\1/p' <<<"$report" | head -n 1)
      echo "passed $name: $check: $states states"
      passed=$((passed + 1))
    else
      echo "$report"
      echo "FAILED $name: $check"
      failed=$((failed + 1))
    fi
  done <<<"$checks"
done
echo "$passed passed, $failed failed"
exit $((failed > 0))
