"""What is drawn of looks that are made up."""

import pytest

from onecopy._picture import Look, cut, draw, duration, short, size
from onecopy._processes import Process, look_at, printable

SECOND = 10**9


def process(parent=1, state="asleep", processor=0.0, started=0.0, command="python program.py"):
    return Process(parent, state, processor, started, resident=10 << 20, command=command)


def member(slot, pid, living=True, joined_at=0, put=0):
    return {
        "slot": slot,
        "generation": 1,
        "pid": pid,
        "living": living,
        "joined_at": joined_at,
        "blocks": 0,
        "bytes": 0,
        "trace": {"messages_put": put, "messages_taken": 0},
    }


def channel(**changed):
    return {
        "index": 3,
        "generation": 1,
        "maximum": 0,
        "maximum_bytes": 0,
        "put": 0,
        "taken": 0,
        "done": 0,
        "waiting": 0,
        "bytes": 0,
        "getters_asleep": 0,
        "putters_asleep": 0,
        "joiners_asleep": 0,
        "holders": [],
        **changed,
    }


def pool(**seat):
    figures = {
        "worker": 0,
        "at": None,
        "taken": 0,
        "started": SECOND,
        "spent": (0, 0, 0, 0),
        **seat,
    }
    empty = {"worker": None, "at": None, "taken": 0, "started": 0, "spent": (0, 0, 0, 0)}
    return {
        "block": 9,
        "time": 1,
        "closing": False,
        "workers_asleep": 0,
        "tasks": 5,
        "answers": 6,
        "seats": [figures, empty],
        "holders": [],
    }


def look(at=10, processes=None, **changed):
    """At so many seconds."""
    nothing = (0, 0)
    snapshot = {
        "taken_at": at * SECOND,
        "version": "1.2.3",
        "limit": 0,
        "resident": 0,
        "highest_resident": 0,
        "members": [member(0, 100)],
        "channels": [],
        "pools": [],
        "locks": [],
        "largest": [],
        "usage": {
            "by_purpose": {"data": nothing},
            **dict.fromkeys(("held", "queued", "frozen", "shared", "warm"), nothing),
        },
        **changed,
    }
    return Look(snapshot, {100: process()} if processes is None else processes, float(at))


def row(lines, first):
    """The words of the line that begins with this one."""
    return next(text.split() for text, _ in lines if text.split()[:1] == [first])


def test_rates_are_of_the_time_between_two_looks():
    before = look(at=10, members=[member(0, 100, put=50)])
    now = look(at=12, members=[member(0, 100, put=90)])

    assert row(draw(now), "100")[7] == "90", "so far"
    assert row(draw(now, before), "100")[7] == "20", "a second"


def test_a_member_in_a_place_of_another_has_no_past():
    before = look(at=10, members=[{**member(0, 99, put=50), "generation": 7}])
    now = look(at=12, members=[member(0, 100, put=6)])

    assert row(draw(now, before), "100")[7] == "3"


def test_counts_of_messages_go_on_behind_their_largest():
    before = look(at=10, channels=[channel(put=2**32 - 10)])
    now = look(at=11, channels=[channel(put=5)])

    assert row(draw(now, before), "queue")[6] == "15"


def test_the_processor_is_told_for_the_time_between_two_looks():
    processes = {100: process(processor=30.0)}
    before = look(at=100, processes=processes)
    now = look(at=102, processes={100: process(processor=31.0)})

    assert row(draw(now), "100")[2] == "30%"
    assert row(draw(now, before), "100")[2] == "50%"


def test_children_stand_below_the_one_that_started_them():
    now = look(
        members=[member(0, 100), member(1, 200), member(2, 150, joined_at=5), member(3, 300)],
        processes={
            100: process(),
            150: process(parent=200, command="helper"),
            200: process(parent=100),
            300: process(parent=1, command="stranger"),
        },
    )

    rows = [text for text, _ in draw(now) if text.strip()[:3].isdigit()]
    commands = [text.partition(" s  ")[2] for text in rows]
    assert commands == ["python program.py", "  (forked)", "    helper", "stranger"]


@pytest.mark.parametrize(
    ("of", "processes", "state"),
    [
        (member(0, 100), {100: process(state="stopped")}, "stopped"),
        (member(0, 100, living=False), {100: process()}, "dead"),  # another has its pid
        (member(0, 100), {}, "dead"),  # since the snapshot
        (member(0, 0), {}, "starting"),
    ],
)
def test_says_in_which_state_a_member_is(of, processes, state):
    now = look(members=[of], processes=processes)

    assert row(draw(now), str(of["pid"] or "-"))[1] == state


def test_a_worker_computes_as_long_as_it_has_a_task():
    busy = look(at=11, pools=[pool(at=7, spent=(2 * SECOND, SECOND, 3 * SECOND, SECOND))])
    idle = look(at=11, pools=[pool(at=None, spent=(2 * SECOND, SECOND, 3 * SECOND, SECOND))])

    assert row(draw(busy), "0")[1:8] == ["100", "7", "0", "20%", "10%", "60%", "10%"]
    assert row(draw(idle), "0")[1:8] == ["100", "-", "0", "50%", "10%", "30%", "10%"]
    assert row(draw(busy), "0")[8] == "############==--....", "the same, as a bar"
    assert ["1", "empty"] in [text.split() for text, _ in draw(busy)]


def test_the_channels_of_a_pool_are_told_with_it():
    channels = [channel(index=5, waiting=4), channel(index=6, waiting=1), channel(index=7)]
    lines = draw(look(at=11, pools=[pool()], channels=channels))

    assert row(lines, "POOL")[-6:] == ["4", "tasks", "and", "1", "answer", "waiting"]
    assert row(lines, "queue")[1] == "7"


def test_a_task_that_took_longer_than_the_look_takes_all_of_it():
    before = look(at=10, pools=[pool(at=7, taken=1)])
    now = look(at=11, pools=[pool(at=8, taken=2, spent=(0, 0, 9 * SECOND, 0))])

    assert row(draw(now, before), "0")[1:8] == ["100", "8", "1", "0%", "0%", "100%", "0%"]


def test_another_worker_in_the_seat_has_no_past():
    before = look(at=10, pools=[pool(started=SECOND, taken=500)])
    now = look(at=12, pools=[pool(started=11 * SECOND, taken=4, spent=(0, 0, SECOND // 2, 0))])

    assert row(draw(now, before), "0")[3:8] == ["2", "50%", "0%", "50%", "0%"]


def test_tells_queues_from_pipes_and_who_sleeps():
    queue = channel(maximum=5, waiting=5, putters_asleep=2, joiners_asleep=1, holders=[0])
    pipe = channel(index=4, maximum_bytes=64 << 20, getters_asleep=1)

    lines = draw(look(channels=[queue, pipe]))

    assert " ".join(row(lines, "queue")) == "queue 3 5 5 0 B 0 0 2 put, 1 join 100"
    assert " ".join(row(lines, "pipe")) == "pipe 4 0 64 MiB 0 B 0 0 1 get nobody"


def test_names_a_few_of_many_holders():
    members = [member(slot, 100 + slot) for slot in range(9)]

    lines = draw(look(members=members, channels=[channel(holders=list(range(9)))]))

    assert " ".join(row(lines, "queue")).endswith("100, 101, 102 and 6 more")


def test_says_whose_the_largest_blocks_are():
    block = {"block": 2, "purpose": "data", "bytes": 2048, "state": "queued", "holders": []}
    held = {**block, "block": 1, "state": "held", "channel": None, "holders": [0]}
    queued = {**block, "channel": 3}

    lines = draw(look(channels=[channel()], largest=[held, queued]))

    assert ["1", "2.0", "KiB", "data", "held", "by", "100"] in [text.split() for text, _ in lines]
    assert " ".join(row(lines, "2")) == "2 2.0 KiB data queued in queue 3"


def test_says_that_a_lock_was_left_held():
    lock = {"block": 8, "time": 1, "holder": None, "waited_for": True}

    assert "ended and did not release it, waited for" in " ".join(
        row(draw(look(locks=[lock])), "8")
    )


def test_cuts_what_is_too_long():
    assert cut("12345", 5) == "12345"
    assert cut("123456", 5) == "1234…"


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (1023 * 1024, "1.0 MiB"), (2**42, "4.0 TiB")],
)
def test_tells_sizes(number, text):
    assert size(number) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0"), (2.5, "2.5"), (9999, "9999"), (12_345, "12.3k"), (123_456, "123k"), (1e6, "1.0M")],
)
def test_tells_numbers(number, text):
    assert short(number) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-1, "0 s"), (59, "59 s"), (60, "1:00"), (3661, "1:01:01"), (90_000, "1d 1:00:00")],
)
def test_tells_durations(seconds, text):
    assert duration(seconds) == text


def test_what_would_move_the_cursor_is_not_printed():
    assert printable("a\x1b[2Jb\n\udcff") == "a?[2Jb??"


def test_there_is_nothing_to_tell_of_a_process_that_is_not_there():
    assert look_at(4194305) is None
