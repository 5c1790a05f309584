"""The package needs no other."""

import venv
from pathlib import Path

import onecopy

PROGRAM = Path(__file__).with_name("alone.py")


def test_in_an_environment_with_nothing_else(python, tmp_path):
    venv.create(tmp_path / "environment", symlinks=True)
    (tmp_path / "packages").mkdir()
    (tmp_path / "packages" / "onecopy").symlink_to(Path(onecopy.__file__).parent)

    outcome = python(
        PROGRAM.read_text(),
        interpreter=str(tmp_path / "environment" / "bin" / "python"),
        PYTHONPATH=str(tmp_path / "packages"),
    )

    assert (outcome.code, outcome.stdout, outcome.stderr) == (0, "all\n", ""), outcome
