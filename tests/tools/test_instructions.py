"""The gate on instruction counts: what fails it, what does not, and that it counts at all."""

import subprocess
from pathlib import Path

import pytest

TOOL = Path(__file__).resolve().parents[2] / "tools" / "instructions.sh"
HEAD = "# Instructions of each operation\n# {}\n# a compiler\n"


def run(*arguments):
    done = subprocess.run([TOOL, *arguments], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout.splitlines()


def write(path, counts, compiler="gcc-12-x86_64"):
    lines = [f"{name} {count:.1f}\n" for name, count in counts.items()]
    path.write_text(HEAD.format(compiler) + "".join(lines))
    return path


def compare(tmp_path, counts, baseline, compiler="gcc-12-x86_64"):
    """Exit code and output for counts of gcc 12, with a baseline of that compiler."""
    write(tmp_path / f"{compiler}.txt", baseline, compiler)
    return run("compare", write(tmp_path / "counts", counts), tmp_path)


def test_what_costs_as_much_as_before_passes(tmp_path):
    code, lines = compare(tmp_path, {"put": 104.9, "lock": 50}, {"put": 100, "lock": 50})

    assert (code, lines[-1]) == (0, "2 passed, 0 failed")
    assert "passed put: 104.9 instructions, baseline 100.0 (+4.9 %)" in lines


def test_what_costs_over_five_percent_more_fails(tmp_path):
    code, lines = compare(tmp_path, {"put": 105.1, "lock": 50}, {"put": 100, "lock": 50})

    assert (code, lines[-1]) == (1, "1 passed, 1 failed")
    assert "FAILED put: 105.1 instructions, baseline 100.0 (+5.1 %)" in lines


def test_what_got_better_passes_and_asks_for_a_new_baseline(tmp_path):
    code, lines = compare(tmp_path, {"put": 94}, {"put": 100})

    assert (code, lines[-1]) == (0, "1 passed, 0 failed")
    assert lines[-2] == ("1 are better by more than 5 %: ./test --baseline makes that the baseline")


@pytest.mark.parametrize(
    "counts, baseline", [({"a": 1, "b": 1}, {"a": 1}), ({"a": 1}, {"a": 1, "b": 1})]
)
def test_what_only_one_of_the_two_has_fails(tmp_path, counts, baseline):
    code, lines = compare(tmp_path, counts, baseline)

    assert (code, lines[-1]) == (1, "1 passed, 1 failed")
    assert any(line.startswith("FAILED b: ") for line in lines)


@pytest.mark.parametrize("count, code", [(124, 0), (126, 1)])
def test_another_version_of_the_compiler_has_a_wider_margin_and_is_named(tmp_path, count, code):
    write(tmp_path / "gcc-20-x86_64.txt", {"put": 1}, "gcc-20-x86_64")

    found, lines = compare(tmp_path, {"put": count}, {"put": 100}, "gcc-14-x86_64")

    assert found == code
    assert lines[0] == (
        "there is no baseline of gcc-12-x86_64: compared with gcc-14-x86_64, and only what"
    )


@pytest.mark.parametrize("compiler", ["clang-12-x86_64", "gcc-12-aarch64"])
def test_with_another_compiler_or_machine_nothing_is_compared_and_that_is_said(tmp_path, compiler):
    code, lines = compare(tmp_path, {"put": 900, "lock": 1}, {"put": 100}, compiler)

    assert (code, lines[-1]) == (0, "0 passed, 0 failed, 2 skipped")
    assert lines[0].startswith("there is no baseline of gcc on x86_64")
    assert lines[1] == f"./test --baseline writes {tmp_path}/gcc-12-x86_64.txt"


def test_counts_become_the_baseline_of_their_compiler(tmp_path):
    counts = write(tmp_path / "counts", {"put": 7})

    assert run("renew", counts, tmp_path / "new")[0] == 0

    assert run("compare", counts, tmp_path / "new") == (
        0,
        ["passed put: 7.0 instructions, baseline 7.0 (+0.0 %)", "1 passed, 0 failed"],
    )


PROGRAM = """\
#include <cstdio>
#include "counted.hpp"
int main() {
  using namespace onecopy::instructions;
  std::printf("%d\\n", kTimes);
  count("loop", [] { asm volatile("" : : : "memory"); });
  count("two", [] { asm volatile("nop; nop" : : : "memory"); });
  count("hundred", [] { asm volatile(".rept 100; nop; .endr" : : : "memory"); });
}
"""


def test_counts_what_an_operation_takes_without_the_loop_around_it(tmp_path):
    source = tmp_path / "program.cpp"
    source.write_text(PROGRAM)
    headers = TOOL.parents[1] / "benchmarks" / "instructions"
    program = tmp_path / "program"
    subprocess.run(["g++", "-std=c++20", "-O2", f"-I{headers}", source, "-o", program], check=True)

    code, lines = run("count", program, "g++")

    assert code == 0
    assert [line for line in lines if not line.startswith("#")] == ["two 2.0", "hundred 100.0"]


def test_a_program_that_fails_is_a_failure():
    assert run("count", "/bin/false", "g++")[0] == 1
