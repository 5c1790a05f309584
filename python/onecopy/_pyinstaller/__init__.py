"""What PyInstaller asks a package for (the entry point `pyinstaller40`)."""

from __future__ import annotations

import os


def hook_folders() -> list[str]:
    return [os.path.dirname(os.path.abspath(__file__))]
