"""The checker of the Spin models tells a model that holds from one that does not."""

import subprocess
from pathlib import Path

import pytest

CHECKER = Path(__file__).resolve().parents[2] / "tools" / "check_models.sh"

HOLDS = """\
/* check: -DTOP=2 ; -DSAFETY ; -m10000 */
/* check: ; ; -a -f -N ends */
#ifndef TOP
#define TOP 3
#endif
byte x;
ltl ends { <> (x == TOP) }
active proctype Count() { do :: x < TOP -> x++ :: else -> break od; assert(x == TOP) }
"""
VIOLATED = """\
/* check: ; -DSAFETY ; -m10000 */
byte x;
active [2] proctype Count() { x++; assert(x == 1) }
"""
SEARCHED_IN_PART = """\
/* check: ; -DSAFETY ; -m10 */
byte x;
active proctype Count() { do :: x < 200 -> x++ :: else -> break od }
"""
NOT_A_MODEL = """\
/* check: ; -DSAFETY ; */
active proctype Count() {
"""
NOTHING_TO_CHECK = "byte x;\n"


def check(tmp_path, text):
    model = tmp_path / "model.pml"
    model.write_text(text)
    done = subprocess.run([CHECKER, model], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout.splitlines()[-1]


def test_a_model_that_holds_passes_in_each_way_that_it_asks_for(tmp_path):
    assert check(tmp_path, HOLDS) == (0, "2 passed, 0 failed")


@pytest.mark.parametrize("text", [VIOLATED, SEARCHED_IN_PART, NOT_A_MODEL, NOTHING_TO_CHECK])
def test_what_does_not_hold_for_certain_fails(tmp_path, text):
    assert check(tmp_path, text) == (1, "0 passed, 1 failed")
