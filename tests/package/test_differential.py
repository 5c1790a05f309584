"""The same program shows the same under stock and under Onecopy: one program for each part of the
API (programs/), each with every start method and in every way of running on Onecopy.

A program prints what it sees; nothing it prints depends on timing.
"""

from pathlib import Path

import pytest

PROGRAMS = sorted((Path(__file__).parent / "programs").glob("*.py"))


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_shows_what_stock_shows(agree, path):
    assert agree(path.read_text())
