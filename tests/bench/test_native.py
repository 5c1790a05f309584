"""./bench native: what is made of the figures that its program of C++ has measured."""

import argparse
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import onecopy as mp
from benchmarks import machine
from benchmarks.native import bars, command, tables
from benchmarks.native.figures import read_row

ROOT = Path(__file__).resolve().parents[2]


def case(name, *rounds, size=8, histogram=((1000, 98), (2000, 1), (4000, 1)), largest=4100):
    return {
        "name": name,
        "bytes": size,
        "rounds": rounds,
        "histogram": histogram,
        "largest": largest,
    }


def line(kind, *cases):
    return json.dumps({"kind": kind, "cases": cases})


def row(kind, *cases):
    return read_row(line(kind, *cases))


def verdicts(a_row):
    """Of each case that has a bar: whether it was met."""
    judged = {each.name: bars.judge(a_row, each) for each in a_row.cases}
    return {name: found.verdict.met for name, found in judged.items() if found and found.verdict}


def test_figures_are_in_seconds():
    (found,) = row("sleeping", case("queue", 1000, 3000, 2000)).cases

    assert (found.name, found.size) == ("queue", 8)
    assert found.figures.spread.median == pytest.approx(2e-6)
    assert found.figures.largest == pytest.approx(4.1e-6)


@pytest.mark.parametrize("share, seconds", [(0.5, 1e-6), (0.99, 2e-6), (0.999, 4e-6)])
def test_the_histogram_tells_what_most_hand_offs_do_not_exceed(share, seconds):
    (found,) = row("sleeping", case("queue", 1000)).cases

    assert found.figures.at_least(share) == pytest.approx(seconds)


@pytest.mark.parametrize("queue, met", [(250, True), (251, False)])
def test_a_spinning_hand_off_is_held_against_two_words(queue, met):
    assert verdicts(row("spinning", case("words", 100), case("queue", queue))) == {"queue": met}


@pytest.mark.parametrize("queue, met", [(100, True), (101, False)])
def test_an_adaptive_hand_off_is_held_against_the_best_other(queue, met):
    found = row(
        "adaptive", case("queue", queue), case("boost", 200), case("socket", 100),
        {"name": "posix-queue", "bytes": 8, "unfit": "too large"},
    )  # fmt: skip

    assert bars.best_peer(found).name == "socket"
    assert verdicts(found) == {"queue": met}


def test_the_yardstick_and_our_own_are_no_others():
    found = row("adaptive", case("words", 1), case("queue", 3), case("pipe", 2), case("zeromq", 9))
    assert bars.best_peer(found).name == "zeromq"


@pytest.mark.parametrize("queue, met", [(99, True), (100, False)])
def test_many_in_flight_are_held_against_the_socket(queue, met):
    found = row("flood", case("queue", queue), case("boost", 1), case("socket", 100))
    assert verdicts(found) == {"queue": met}


def test_what_is_moved_is_held_against_the_smallest():
    found = row(
        "moved", case("shared", 100, size=64), case("shared", 125, size=1024),
        case("shared", 126, size=1 << 26),
    )  # fmt: skip

    judged = [bars.judge(found, each) for each in found.cases]

    assert judged[0] is None
    assert [each.verdict.met for each in judged[1:]] == [True, False]


@pytest.mark.parametrize("python, met", [(200, True), (201, False)])
def test_an_array_from_python_is_held_against_one_from_cpp(python, met):
    found = row("joined", case("cpp", 100, size=1 << 23), case("python", python, size=1 << 23))
    assert verdicts(found) == {"python": met}


def test_multiples_are_taken_inside_a_round():
    # A machine that slows down threefold in the second round leaves them what they were.
    found = row("spinning", case("words", 100, 300), case("queue", 200, 600))
    assert bars.judge(found, found.cases[1]).multiple.high == pytest.approx(2)


def words(text):
    return " ".join(text.split())


def test_a_row_names_what_each_case_is_held_against():
    title, _, two_words, queue = tables.row_lines(
        row("spinning", case("words", 100), case("queue", 300, size=8))
    )

    assert title == "One hand-off of 8 B, spinning: who receives asks again and again"
    assert words(two_words) == (
        "two words of shared memory 100 ns 100 ns-100 ns 2.00 µs 4.00 µs 4.10 µs"
    )
    assert words(queue).endswith(
        "3.00x two words of shared memory; at most 2.5x two words: NOT MET"
    )


def test_who_cannot_carry_a_size_says_so():
    unfit = {"name": "posix-queue", "bytes": 1 << 20, "unfit": "at most 8192 bytes here"}

    *_, told = tables.row_lines(row("adaptive", case("queue", 1, size=1 << 20), unfit))

    assert words(told) == "POSIX message queue not measured: at most 8192 bytes here"


def test_the_histogram_is_by_doublings_and_in_percent():
    rows = [row("spinning", case("queue", 1, histogram=[(100, 1), (300, 1998), (900_000, 1)]))]

    _, limits, kind, shares = tables.histogram_lines(rows)

    assert words(limits).startswith("<125 ns <250 ns <500 ns")
    assert kind == "spinning:"
    assert words(shares) == "onecopy::Queue 0.1 . 99.9 " + ". " * 9 + "0.1"


@pytest.mark.parametrize(
    "size, text", [(8, "8 B"), (1024, "1 KiB"), (8 << 10, "8 KiB"), (64 << 20, "64 MiB")]
)
def test_sizes_are_in_powers_of_two(size, text):
    assert tables.size_text(size) == text


def run(tmp_path, program, *arguments):
    """./bench native with a program that stands in for the one of C++."""
    stand_in = tmp_path / "program"
    stand_in.write_text(f"#!{sys.executable}\n{program}")
    stand_in.chmod(0o755)
    parser = argparse.ArgumentParser()
    command.add_options(parser)
    return command.run(parser.parse_args(arguments), stand_in)


VERSIONS = '{"Boost": "1", "ZeroMQ": "2"}'


def test_rows_are_printed_and_written_and_bars_summed_up(tmp_path, capsys):
    found = line("spinning", case("words", 100), case("queue", 300))
    path = tmp_path / "figures.json"

    code = run(
        tmp_path,
        f"print('''{VERSIONS}\n{found}''')",
        *("--rows", "spinning", "--json", str(path), "--cores", "0,1"),
    )

    assert code == 0
    printed = capsys.readouterr().out
    assert "onecopy::Queue" in printed
    assert "0 of 1 bars met; not met:\n  spinning, onecopy::Queue, 8 B: at most 2.5x" in printed
    document = json.loads(path.read_text())
    assert document["settings"]["ZeroMQ"] == "2"
    assert document["rows"][0]["cases"][1]["figures"]["rounds"] == [pytest.approx(300e-9)]


def test_on_one_core_nobody_spins(tmp_path, capsys):
    program = (
        f"import sys; print('''{VERSIONS}'''); print(sys.argv[5:], file=sys.stderr); sys.exit(1)"
    )

    run(tmp_path, program, "--cores", "0,0")

    said = capsys.readouterr()
    assert "spinning is not measured" in said.out
    assert "'adaptive:8'" in said.err
    assert "'spinning:8'" not in said.err


@pytest.mark.parametrize(
    "python, left_out", [("true", False), ("false", True), ("there-is-no-such-program", True)]
)
def test_without_the_python_package_its_row_is_left_out(tmp_path, capsys, python, left_out):
    program = (
        f"import sys; print('''{VERSIONS}'''); print(sys.argv[5:], file=sys.stderr); sys.exit(1)"
    )
    python = shutil.which(python) or python

    run(tmp_path, program, "--cores", "0,1", "--python", python, "--rows", "moved", "joined")

    said = capsys.readouterr()
    assert f"['{python}', 'moved:" in said.err
    assert ("'joined:8388608'" in said.err) is not left_out
    assert (f"joined is not measured: {python} has not both" in said.out) is left_out


def test_nothing_left_to_measure_is_a_failure(tmp_path, capsys):
    assert run(tmp_path, "", "--cores", "0,1", "--python", "/nowhere", "--rows", "joined") == 1
    assert "bench: no row is left" in capsys.readouterr().err


def test_a_program_that_fails_says_why(tmp_path, capsys):
    program = f"import sys; print('''{VERSIONS}'''); sys.exit('a message came in two parts')"

    assert run(tmp_path, program, "--cores", "0,1") == 1

    assert "a message came in two parts" in capsys.readouterr().err


def test_a_program_that_says_nothing_has_failed(tmp_path, capsys):
    assert run(tmp_path, "", "--cores", "0,1") == 1
    assert "bench: the program has measured nothing" in capsys.readouterr().err


def test_a_program_that_hangs_is_ended(tmp_path, capsys):
    program = f"import time; print('''{VERSIONS}''', flush=True); time.sleep(600)"

    assert run(tmp_path, program, "--cores", "0,1", "--patience", "1") == 1

    assert "no end of a row after 1 s" in capsys.readouterr().err


def test_two_cores_are_allowed_ones_and_their_placement_is_told():
    first, second = machine.two_cores()

    told = machine.placement(first, second)

    assert told.startswith(f"cores {first} and {second}, " if first != second else "both processes")
    assert machine.placement(first, first) == f"both processes on core {first}"


CHECKED = """\
#include <cstdio>
#include <vector>
#include "content.hpp"
int main() {
  using namespace bench;
  std::vector<std::byte> message(128);
  const auto passes = [&](std::size_t bytes) {
    try {
      return read_mark(message, bytes).number == 7;
    } catch (const std::exception&) {
      return false;
    }
  };
  for (const bool whole : {false, true}) {
    for (std::size_t changed = 0; changed <= message.size(); ++changed) {
      write_mark(message, {.number = 7, .whole = whole});
      if (changed < message.size()) message[changed] ^= std::byte{1};
      std::printf("%d", passes(128));
    }
    std::printf("%d\\n", passes(64));
  }
}
"""


def test_a_message_with_other_bytes_is_noticed(tmp_path):
    source = tmp_path / "checked.cpp"
    source.write_text(CHECKED)
    headers = ROOT / "benchmarks" / "native"
    program = tmp_path / "checked"
    subprocess.run(["g++", "-std=c++20", f"-I{headers}", source, "-o", program], check=True)

    told = subprocess.run([program], check=True, capture_output=True, text=True).stdout

    between = "1" * 112  # bytes that are compared only where the mark says `whole`
    assert told.splitlines() == [
        "0" * 8 + between + "0" * 8 + "10",
        "0" * 128 + "10",
    ]


def test_the_sender_sends_what_it_is_asked_for(tmp_path):
    questions, arrays = mp.Queue(), mp.Queue()
    mp.publish("questions", questions)
    mp.publish("arrays", arrays)
    with mp.Door(tmp_path / "private" / "door") as door:
        (core, *_) = os.sched_getaffinity(0)
        command = [sys.executable, "-m", "benchmarks.native.sender", door.path, str(core), "128"]
        sender = subprocess.Popen(command, cwd=ROOT)
        door.admit()
    whole = 1 << 62

    for mark in (7, whole | 8):
        questions.put(mark)
        words = arrays.get(timeout=60).view(np.uint64).tolist()
        assert (words[0], words[-1], len(words)) == (mark, mark, 16)
        pattern = [(mark + 8 * i) * 0x9E3779B97F4A7C15 % 2**64 for i in range(1, 15)]
        assert words[1:-1] == (pattern if mark & whole else [0] * 14)

    questions.put(None)
    assert sender.wait(timeout=60) == 0
