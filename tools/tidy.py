"""Runs clang-tidy on the sources of the engine that changed since it was last content with them.

    tidy.py BUILD_FOLDER CLANG_TIDY

BUILD_FOLDER holds compile_commands.json and what ninja knows of each source's headers. A source is
looked at again when it, one of its headers under src/ or include/, the list of checks or the tool
has changed; what was clean is remembered in build/tidy/.
"""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CLEAN = ROOT / "build" / "tidy"


def headers_by_object(build: Path, ninja: str) -> dict[str, list[Path]]:
    """The headers of this project that each object file was made from, as ninja recorded them."""
    listing = subprocess.run(
        [ninja, "-C", str(build), "-t", "deps"], capture_output=True, text=True, check=True
    ).stdout
    headers: dict[str, list[Path]] = {}
    current: list[Path] = []
    for line in listing.splitlines():
        if not line.startswith(" "):
            current = headers.setdefault(line.split(":")[0], [])
            continue
        path = (build / line.strip()).resolve()
        if path.is_relative_to(ROOT / "src") or path.is_relative_to(ROOT / "include"):
            current.append(path)
    return headers


def ninja_of(build: Path) -> str:
    for line in (build / "CMakeCache.txt").read_text().splitlines():
        if line.startswith("CMAKE_MAKE_PROGRAM:"):
            return line.split("=", 1)[1]
    return "ninja"


def output_of(entry: dict[str, str]) -> str:
    """The object file; before CMake 3.26 only the command names it."""
    words = shlex.split(entry["command"])
    return words[words.index("-o") + 1]


def main() -> int:
    build, tidy = Path(sys.argv[1]).resolve(), sys.argv[2]
    version = subprocess.run([tidy, "--version"], capture_output=True, check=True).stdout
    basis = version + (ROOT / ".clang-tidy").read_bytes()
    headers = headers_by_object(build, ninja_of(build))

    stale: dict[Path, str] = {}
    for entry in json.loads((build / "compile_commands.json").read_text()):
        source = Path(entry["file"])
        if not source.is_relative_to(ROOT / "src") or source.stem.endswith(("_test", "_fuzz")):
            continue
        digest = hashlib.sha256(basis)
        for path in sorted({source, *headers.get(output_of(entry), [])}):
            digest.update(f"{path}\n".encode())
            digest.update(path.read_bytes())
        mark = CLEAN / source.relative_to(ROOT).with_suffix(".clean")
        if not mark.exists() or mark.read_text() != digest.hexdigest():
            stale[source] = digest.hexdigest()

    def look_at(source: Path) -> tuple[Path, bool, str]:
        done = subprocess.run(
            [tidy, "-p", str(build), "--quiet", "--warnings-as-errors=*", str(source)],
            check=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        return source, done.returncode == 0, done.stdout

    dirty = 0
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for count, (source, clean, said) in enumerate(pool.map(look_at, stale), start=1):
            name = source.relative_to(ROOT)
            print(f"[{count}/{len(stale)}] {name}", flush=True)
            if clean:
                mark = CLEAN / name.with_suffix(".clean")
                mark.parent.mkdir(parents=True, exist_ok=True)
                mark.write_text(stale[source])
            else:
                print(said)
                dirty += 1
    print(f"{len(stale)} looked at, {dirty} with something to mend")
    return 1 if dirty else 0


if __name__ == "__main__":
    sys.exit(main())
