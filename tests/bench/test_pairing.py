import pytest

from benchmarks import pairing
from benchmarks.pairing import Spread


def test_a_spread_is_the_median_and_the_extremes():
    assert Spread.of([5.0, 1.0, 2.0]) == Spread(median=2.0, low=1.0, high=5.0)
    assert Spread.of([4.0, 1.0, 2.0, 3.0]) == Spread(median=2.5, low=1.0, high=4.0)


def test_legs_take_turns_and_their_seconds_are_per_call():
    order = []

    def leg(name, seconds_per_call):
        def run(calls):
            order.append(name)
            return calls * seconds_per_call

        return run

    values = pairing.alternate([leg("a", 0.5), leg("b", 0.25)], calls=[4, 10], rounds=3)

    assert order == ["a", "b", "a", "b", "a", "b"]
    assert values == [[0.5, 0.5, 0.5], [0.25, 0.25, 0.25]]


def test_progress_is_told_after_every_round():
    told = []
    pairing.alternate([lambda calls: 1.0], [1], rounds=3, progress=told.append)
    assert told == [1, 2, 3]


def test_a_ratio_is_taken_inside_its_round():
    # A machine that slows down threefold in the second round leaves the ratio what it was.
    assert pairing.ratios([8.0, 24.0], [2.0, 6.0]) == [4.0, 4.0]


@pytest.mark.parametrize(
    "seconds_per_call, most, expected",
    [
        (0.001, 1_000_000, 200),  # a fifth of a second's worth
        (5.0, 1_000_000, 1),  # one call is too much already
        (0.001, 20, 20),  # bounded
        (0.0, 500, 500),  # too fast for the clock
    ],
)
def test_enough_calls_to_fill_a_round(seconds_per_call, most, expected):
    assert pairing.calls_for(lambda calls: calls * seconds_per_call, 0.2, most) == expected


def test_a_leg_that_was_held_up_once_is_not_taken_for_slow():
    hold_ups = [5.0]

    def leg(calls):
        return calls * 0.001 + (hold_ups.pop() if hold_ups else 0.0)

    assert pairing.calls_for(leg, 0.2) == 200
