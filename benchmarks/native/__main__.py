"""What ./bench native starts: python -m benchmarks.native."""

from __future__ import annotations

import argparse
import sys

from benchmarks.native import command


def main() -> int:
    parser = argparse.ArgumentParser(prog="./bench native", description=command.DESCRIPTION)
    command.add_options(parser)
    return command.run(parser.parse_args())


if __name__ == "__main__":
    sys.exit(main())
