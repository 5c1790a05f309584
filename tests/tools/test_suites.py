"""What ./test adds up, and how it ends."""

import subprocess
from pathlib import Path

TOOLS = Path(__file__).resolve().parents[2] / "tools"


def close(tmp_path, *suites):
    """The closing line and exit code after these suites, in a project of their own."""
    script = [
        "set -uo pipefail",
        f"root={tmp_path}",
        f"source {TOOLS}/setup.sh",
        f"source {TOOLS}/suites.sh",
        *suites,
        "close_suites",
    ]
    done = subprocess.run(
        ["bash", "-c", "\n".join(script)], capture_output=True, text=True, check=False
    )
    return done.stdout.splitlines()[-1], done.returncode


def test_adds_up_what_the_suites_counted(tmp_path):
    closing = close(
        tmp_path,
        "suite one check_one true",
        "suite two counted echo '40 passed, 0 failed'",
    )

    assert closing == ("41 passed, 0 failed", 0)


def test_goes_on_after_a_failure_and_ends_with_it(tmp_path):
    closing = close(
        tmp_path,
        "suite one check_one false",
        "suite two counted bash -c 'echo 3 passed, 2 failed; exit 1'",
        "suite three check_one true",
    )

    assert closing == ("4 passed, 3 failed", 1)


def test_a_suite_that_ran_nothing_has_failed(tmp_path):
    assert close(tmp_path, "suite one counted true") == ("0 passed, 1 failed", 1)


def test_a_suite_that_broke_off_has_failed(tmp_path):
    closing = close(tmp_path, "suite one counted bash -c 'echo 7 passed, 0 failed; kill -9 $$'")

    assert closing == ("7 passed, 1 failed", 1)


def test_the_output_of_a_failure_is_shown_and_kept(tmp_path):
    done = subprocess.run(
        [
            "bash",
            "-c",
            f"root={tmp_path}; source {TOOLS}/setup.sh; logged x bash -c 'echo reason; exit 3'",
        ],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 3
    assert "reason" in done.stderr
    assert (tmp_path / "build/logs/x.log").read_text() == "reason\n"


def test_what_was_skipped_is_told(tmp_path):
    closing = close(tmp_path, "suite one counted echo '0 passed, 0 failed, 3 skipped'")

    assert closing == ("0 passed, 0 failed, 3 skipped", 0)
