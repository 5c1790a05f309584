"""The same program shows the same under stock and under Onecopy, with every start method; one that
shows something else on purpose shows what it says, for a reason that docs/differences.md gives."""

from pathlib import Path

DIFFERENCES = (Path(__file__).parents[2] / "docs" / "differences.md").read_text()


def test_shows_what_stock_shows(shown, program, method):
    stock, *onecopy = (sections[program.name] for sections in shown(program.path, method).values())

    if program.difference is None:
        assert onecopy == [stock] * len(onecopy)
    else:
        assert f"\n**{program.difference}**" in DIFFERENCES
        assert stock != program.shown
        assert onecopy == [program.shown] * len(onecopy)
