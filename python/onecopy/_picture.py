"""What `onecopy top` shows of a family, as lines of text. Draws only, and looks at nothing itself.

Whatever can be said for the time between two looks is said for that; with one look alone, for all
the time since the process, or the worker, began.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ._processes import Process

    Line = tuple[str, str]  # the text, and which of STYLES

STYLES = {"plain": "", "title": "1", "heading": "1;36", "busy": "32", "lost": "31"}

SECOND = 1e9  # nanoseconds
PHASES = ("WAIT", "RECEIVE", "COMPUTE", "SEND")
MARKS = ".-#="  # of the phases, in a worker's bar
BAR = 20
COUNTS = 1 << 32  # counts of messages are modulo this


@dataclass(frozen=True)
class Look:
    """One look at a family."""

    snapshot: dict[str, Any]  # of _engine.inspect
    processes: dict[int, Process]  # by process id, those that are there still
    clock: float  # seconds after the start of the machine


def draw(now: Look, before: Look | None = None) -> list[Line]:
    """The whole picture; `before` is an earlier look at the same family."""
    return [
        *_title(now),
        *_memory(now),
        *_members(now, before),
        *_pools(now, before),
        *_channels(now, before),
        *_locks(now),
        *_largest(now),
    ]


def cut(text: str, width: int) -> str:
    """As much of a line as there is room for."""
    return text if len(text) <= width else text[: max(width - 1, 0)] + "…"


def command_of(look: Look) -> str:
    """The command line of the oldest process that is there still."""
    for member in sorted(look.snapshot["members"], key=lambda member: member["joined_at"]):
        process = look.processes.get(member["pid"])
        if process is not None:
            return process.command
    return "?"


# -- the parts -------------------------------------------------------------------------------------


def _title(now: Look) -> Iterator[Line]:
    members = now.snapshot["members"]
    count = sum(member["living"] for member in members)
    oldest = min((member["joined_at"] for member in members), default=now.snapshot["taken_at"])
    age = duration((now.snapshot["taken_at"] - oldest) / SECOND)
    yield f"onecopy top: {command_of(now)}", "title"
    yield (
        f"{plural(count, 'process', 'processes')}, for {age}, on Onecopy {now.snapshot['version']}",
        "plain",
    )


def _memory(now: Look) -> Iterator[Line]:
    snapshot = now.snapshot
    usage = snapshot["usage"]
    in_use = sum(amount for _, amount in usage["by_purpose"].values())
    limit = f"   limit {size(snapshot['limit'])}" if snapshot["limit"] else ""
    yield "", "plain"
    yield "MEMORY", "heading"
    yield (
        f"  in use {size(in_use)}   warm {size(usage['warm'][1])}"
        f"   resident {size(snapshot['resident'])}"
        f" (at most {size(snapshot['highest_resident'])}){limit}",
        "plain",
    )
    if not in_use:
        return
    states = ("held", "queued", "shared", "frozen")
    yield "  " + "   ".join(f"{state} {size(usage[state][1])}" for state in states), "plain"
    purposes = [
        f"{name} {size(amount)} in {blocks}"
        for name, (blocks, amount) in usage["by_purpose"].items()
        if blocks
    ]
    yield "  of blocks: " + ", ".join(purposes), "plain"


def _members(now: Look, before: Look | None) -> Iterator[Line]:
    yield "", "plain"
    per = "" if before is None else "/s"
    yield (
        f"{'PROCESS':>9} {'STATE':<8} {'CPU':>5} {'RSS':>9} {'HOLDS':>9} {'PUT' + per:>8}"
        f" {'GOT' + per:>8} {'FOR':>9}  COMMAND",
        "heading",
    )
    earlier = _by_name(before, "members", "slot", "generation")
    for member, depth in _family_tree(now):
        past = earlier.get((member["slot"], member["generation"]))
        process = now.processes.get(member["pid"])
        pid = str(member["pid"] or "-")
        state, processor, resident, command = "starting", "-", "-", ""
        if not member["living"] or (member["pid"] and process is None):
            state = "dead"
        elif process is not None:
            state = process.state
            processor = f"{_processor_share(member['pid'], now, before if past else None):.0%}"
            resident = size(process.resident)
            command = _command(process, now)
        put, got = (
            _amount(member["trace"][name], past["trace"][name] if past else None, now, before)
            for name in ("messages_put", "messages_taken")
        )
        age = duration((now.snapshot["taken_at"] - member["joined_at"]) / SECOND)
        yield (
            f"{pid:>9} {state:<8} {processor:>5} {resident:>9} {size(member['bytes']):>9} {put:>8}"
            f" {got:>8} {age:>9}  {'  ' * depth}{command}",
            {"running": "busy", "dead": "lost"}.get(state, "plain"),
        )


def _pools(now: Look, before: Look | None) -> Iterator[Line]:
    earlier = _by_name(before, "pools", "block", "time")
    waiting = {channel["index"]: channel["waiting"] for channel in now.snapshot["channels"]}
    per = "" if before is None else "/s"
    for pool in now.snapshot["pools"]:
        past = earlier.get((pool["block"], pool["time"]))
        seats = pool["seats"]
        at_work = sum(seat["at"] is not None for seat in seats)
        tasks, answers = (
            plural(waiting.get(pool[name], 0), one, one + "s")
            for name, one in (("tasks", "task"), ("answers", "answer"))
        )
        yield "", "plain"
        yield (
            f"POOL {pool['block']}: {plural(len(seats), 'seat', 'seats')},"
            f" {at_work} with a task; {tasks} and {answers} waiting"
            f"{', closing' if pool['closing'] else ''}",
            "heading",
        )
        phases = " ".join(f"{name:>7}" for name in PHASES)
        yield (
            f"{'SEAT':>4} {'PID':>9} {'TASK':>10} {'TASKS' + per:>8} {phases}"
            f" {'':<{BAR}} {'FOR':>9}",
            "heading",
        )
        for number, seat in enumerate(seats):
            if not seat["started"]:
                yield f"{number:>4} {'empty':>9}", "plain"
                continue
            was = past["seats"][number] if past and number < len(past["seats"]) else None
            if was is not None and was["started"] != seat["started"]:
                was = None
            task = "-" if seat["at"] is None else str(seat["at"])
            done = _amount(seat["taken"], was["taken"] if was else None, now, before)
            worker = "-" if seat["worker"] is None else _pids([seat["worker"]], now)
            shares = _shares(seat, was, now, before)
            age = duration((now.snapshot["taken_at"] - seat["started"]) / SECOND)
            told = " ".join(f"{share:>7.0%}" for share in shares)
            yield (
                f"{number:>4} {worker:>9} {task:>10} {done:>8} {told} {_bar(shares)} {age:>9}",
                "plain" if seat["at"] is None else "busy",
            )


def _channels(now: Look, before: Look | None) -> Iterator[Line]:
    of_pools = {pool[name] for pool in now.snapshot["pools"] for name in ("tasks", "answers")}
    channels = [each for each in now.snapshot["channels"] if each["index"] not in of_pools]
    if not channels:
        return
    earlier = _by_name(before, "channels", "index", "generation")
    per = "" if before is None else "/s"
    yield "", "plain"
    yield (
        f"{'QUEUE':>9} {'WAITING':>8} {'BOUND':>9} {'BYTES':>9} {'PUT' + per:>8} {'GOT' + per:>8}"
        f"  {'ASLEEP':<14} HELD BY",
        "heading",
    )
    for channel in channels:
        past = earlier.get((channel["index"], channel["generation"]))
        bound = str(channel["maximum"] or "none")
        if channel["maximum_bytes"]:
            bound = size(channel["maximum_bytes"])
        put, got = (
            _amount(channel[name], past[name] if past else None, now, before, COUNTS)
            for name in ("put", "taken")
        )
        asleep = ", ".join(
            f"{channel[name + 's_asleep']} {what}"
            for name, what in (("getter", "get"), ("putter", "put"), ("joiner", "join"))
            if channel[name + "s_asleep"]
        )
        yield (
            f"{_name(channel):>9} {channel['waiting']:>8} {bound:>9} {size(channel['bytes']):>9}"
            f" {put:>8} {got:>8}  {asleep or '-':<14} {_pids(channel['holders'], now)}",
            "busy" if channel["waiting"] else "plain",
        )


def _locks(now: Look) -> Iterator[Line]:
    if not now.snapshot["locks"]:
        return
    yield "", "plain"
    yield f"{'LOCK':>9} HELD BY", "heading"
    for lock in now.snapshot["locks"]:
        if lock["holder"] is None:
            holder = "a process that ended and did not release it"
        else:
            holder = _pids([lock["holder"]], now)
        waited = ", waited for" if lock["waited_for"] else ""
        yield f"{lock['block']:>9} {holder}{waited}", "plain"


def _largest(now: Look) -> Iterator[Line]:
    if not now.snapshot["largest"]:
        return
    yield "", "plain"
    yield f"{'BLOCK':>9} {'BYTES':>9}  {'PURPOSE':<10} LARGEST, AND WHOSE", "heading"
    names = {channel["index"]: _name(channel) for channel in now.snapshot["channels"]}
    for pool in now.snapshot["pools"]:
        names[pool["tasks"]] = f"the tasks of pool {pool['block']}"
        names[pool["answers"]] = f"the answers of pool {pool['block']}"
    for block in now.snapshot["largest"]:
        whose = f"{block['state']} by {_pids(block['holders'], now)}"
        if block["channel"] is not None:
            whose = f"queued in {names.get(block['channel'], 'a queue that is gone')}"
        yield (
            f"{block['block']:>9} {size(block['bytes']):>9}  {block['purpose']:<10} {whose}",
            "plain",
        )


# -- what they are made of -------------------------------------------------------------------------


def _by_name(look: Look | None, what: str, *name: str) -> dict[tuple[int, ...], dict[str, Any]]:
    """What an earlier look saw, by what it is called as long as it lives."""
    if look is None:
        return {}
    return {tuple(each[part] for part in name): each for each in look.snapshot[what]}


def _seconds_between(now: Look, before: Look) -> float:
    return float(now.snapshot["taken_at"] - before.snapshot["taken_at"]) / SECOND


def _amount(
    amount: int, past: int | None, now: Look, before: Look | None, modulo: int = 1 << 64
) -> str:
    """A count, or how fast it rose since an earlier look."""
    if before is None:
        return short(amount)
    seconds = _seconds_between(now, before)
    return short((amount - (past or 0)) % modulo / seconds) if seconds > 0 else "-"


def _name(channel: dict[str, Any]) -> str:
    # Only the two directions of a pipe are bounded by bytes.
    return f"{'pipe' if channel['maximum_bytes'] else 'queue'} {channel['index']}"


def _family_tree(now: Look) -> list[tuple[dict[str, Any], int]]:
    """Each member after the one that started it, and how deep below it stands."""
    members = sorted(
        now.snapshot["members"], key=lambda member: (member["joined_at"], member["pid"])
    )
    pids = {member["pid"] for member in members}
    children: dict[int | None, list[dict[str, Any]]] = {}
    for member in members:
        process = now.processes.get(member["pid"])
        is_child = process is not None and process.parent in pids
        children.setdefault(process.parent if process and is_child else None, []).append(member)
    placed: list[tuple[dict[str, Any], int]] = []

    def place(parent: int | None, depth: int) -> None:
        for member in children.pop(parent, ()):
            placed.append((member, depth))
            place(member["pid"], depth + 1)

    place(None, 0)
    for parent in list(children):  # a pid that was taken again meanwhile may have made a circle
        place(parent, 0)
    return placed


def _command(process: Process, now: Look) -> str:
    parent = now.processes.get(process.parent)
    if parent is not None and parent.command == process.command:
        return "(forked)"
    return process.command


def _processor_share(pid: int, now: Look, before: Look | None) -> float:
    process = now.processes[pid]
    past = before.processes.get(pid) if before else None
    if before is None or past is None or past.started != process.started:
        used, seconds = process.processor, now.clock - process.started
    else:
        used, seconds = process.processor - past.processor, now.clock - before.clock
    return max(used, 0.0) / max(seconds, 0.01)


def _shares(
    seat: dict[str, Any], past: dict[str, Any] | None, now: Look, before: Look | None
) -> list[float]:
    """Which part of the time a worker spent in each phase. What it is at now is not in its figures
    yet: with a task, that is computing, as far as can be told; without one, waiting."""
    spent = [float(time) for time in seat["spent"]]
    since = seat["started"]
    if past is not None and before is not None:
        spent = [max(time - was, 0.0) for time, was in zip(spent, past["spent"])]
        since = before.snapshot["taken_at"]
    rest = now.snapshot["taken_at"] - since - sum(spent)
    if rest > 0:
        spent[0 if seat["at"] is None else 2] += rest
    whole = sum(spent)
    return [time / whole if whole else 0.0 for time in spent]


def _bar(shares: list[float]) -> str:
    """Computing, sending, receiving and waiting, in this order."""
    bar = ""
    total = 0.0
    for phase in (2, 3, 1, 0):
        total += shares[phase]
        bar += MARKS[phase] * (round(total * BAR) - len(bar))
    return bar.ljust(BAR)


def _pids(slots: list[int], now: Look) -> str:
    by_slot = {member["slot"]: member["pid"] for member in now.snapshot["members"]}
    pids = sorted(by_slot[slot] for slot in slots if by_slot.get(slot))
    if not pids:
        return "nobody"
    if len(pids) > 4:
        return f"{', '.join(map(str, pids[:3]))} and {len(pids) - 3} more"
    return ", ".join(map(str, pids))


def plural(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"


def size(amount: int) -> str:
    """Bytes, in three digits or so."""
    if amount < 1024:
        return f"{amount} B"
    value = float(amount)
    for unit in ("KiB", "MiB", "GiB", "TiB"):
        value /= 1024
        if value < 999.5 or unit == "TiB":
            break
    return f"{value:.1f} {unit}" if value < 9.95 else f"{value:.0f} {unit}"


def short(number: float) -> str:
    """A number, in four digits or so."""
    if number < 9.95 and number != int(number):
        return f"{number:.1f}"
    if number < 9999.5:
        return f"{number:.0f}"
    for unit in "kMGT":
        number /= 1000
        if number < 999.5 or unit == "T":
            break
    return f"{number:.1f}{unit}" if number < 99.95 else f"{number:.0f}{unit}"


def duration(seconds: float) -> str:
    whole = int(max(seconds, 0))
    if whole < 60:
        return f"{whole} s"
    minutes, whole = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    clock = f"{hours}:{minutes:02}:{whole:02}" if hours or days else f"{minutes}:{whole:02}"
    return f"{days}d {clock}" if days else clock
