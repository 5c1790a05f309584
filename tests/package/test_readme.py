"""The programs that the README shows run as they stand there."""

import re
from pathlib import Path

import pytest

README = (Path(__file__).resolve().parents[2] / "README.md").read_text()
PROGRAMS = re.findall(r"^```python\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
ANSWERS = [
    "999999000000.0\n",
    "[      0. 1000000. 2000000. 3000000.]\n",
    f"{[number**2 for number in range(10)]}\n",
    "0\n1\n4\nlost, exit code -9\n16\n",
]


@pytest.mark.parametrize("text, answer", list(zip(PROGRAMS, ANSWERS)))
def test_runs(python, method, text, answer):
    begin = 'if __name__ == "__main__":'
    outcome = python(text.replace(begin, f"{begin}\n    mp.set_start_method({method!r})"))
    assert (outcome.stdout, outcome.stderr, outcome.code) == (answer, "", 0)


def test_every_program_has_its_answer():
    assert len(PROGRAMS) == len(ANSWERS)
