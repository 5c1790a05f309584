"""The manual page: it is installed with the command, and names all that there is."""

import re
import sysconfig
from pathlib import Path

PAGE = Path(sysconfig.get_path("data")) / "share/man/man1/onecopy.1"


def test_names_every_option_and_action_of_the_usage(onecopy):
    plain = PAGE.read_text().replace("\\-", "-")

    words = re.findall(r"--?[a-z]+|^[a-z]+(?=  )", onecopy("--help").stdout, re.MULTILINE)

    assert {"run", "compare", "top", "--once", "--start", "-m", "--version"} <= set(words)
    assert [word for word in words if not re.search(rf"^\..*{word}\b", plain, re.MULTILINE)] == []
