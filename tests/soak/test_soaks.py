"""Long runs under load and in want; ONECOPY_SOAK_SECONDS is how long each takes (60)."""

import pytest

pytestmark = [pytest.mark.soak, pytest.mark.timeout(0)]  # the programs watch themselves


def test_random_kills_stops_and_signals_under_load(soak, tmp_path):
    soak("traffic.py", tmp_path)


def test_running_out_of_everything(soak):
    soak("shortage.py", ONECOPY_MEMORY_LIMIT="64M")
