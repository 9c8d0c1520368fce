"""What is measured: pages, unlocks, start and memory, each beside its floor."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from tests.bench import client
from tests.bench.figures import Figure, Turn, take_turns, usual
from tests.bench.places import Place, bare_turn, served_again
from tests.bench.processes import Server, one_core, started

MANY = 4
"""How many read at once, where several do."""
CROWD = 32
"""How many buy at once where a crowd does."""
POST, UNLOCK = "open post read by its holder", "unlock by balance"
AIMS = {"SQLite": ">= 0.35", "PostgreSQL": ">= 0.25"}
RATE, GROWTH = "requests/s", "times the cost"


@dataclass(frozen=True, slots=True)
class Effort:
    """How long to measure.

    Rounds; of pages by how many processes, reads before those of a process count, rounds of each;
    requests and sales a turn; starts.
    """

    rounds: int
    processes: int
    warming: int
    page_rounds: int
    requests: int
    sales: int
    starts: int


def pages(places: Sequence[Place], bare_folder: Path, effort: Effort) -> list[Figure]:
    """Measure an open post and the front page at all sizes, by one reader.

    Reader and server share a core: either waits for the other anyway, and to wake a core that
    sleeps costs about as much as a page where cores are virtual, or nothing, by chance. How it is
    on all cores stands beside it.
    """
    first, last = places[:2]
    with one_core():
        rates = _by_processes(places, bare_folder, effort, lambda served, bare: {
            "bare": bare_turn(bare, "/post", effort.requests),
            "bare front": bare_turn(bare, "/front", effort.requests),
            "front": served[0].front_turn(effort.requests),
            "front, last": served[1].front_turn(effort.requests),
            **{_at(one): one.read_turn(effort.requests) for one in served},
        })  # fmt: skip
    figures = [Figure(f"{POST}, {_at(one)}", rates[_at(one)], rates["bare"], RATE, ">= 0.8")
               for one in places]  # fmt: skip
    figures += _on_all_cores(first, bare_folder, effort)
    figures += [
        Figure(f"{POST}, {small.name}, growth to {large.stored:,}",
               rates[_at(small)] / rates[_at(large)], 1.0, GROWTH, "<= 1.05")
        for small, large in _pairs(places)
    ]  # fmt: skip
    figures += [
        Figure(f"front page, {_at(one)}", rates[name], rates["bare front"], RATE)
        for one, name in ((first, "front"), (last, "front, last"))
    ]
    return figures


def _on_all_cores(one: Place, bare_folder: Path, effort: Effort) -> list[Figure]:
    rates = _by_processes([one], bare_folder, effort, lambda served, bare: {
        f"{side}{clients}": turn
        for clients in (1, MANY)
        for side, turn in (
            ("bare", bare_turn(bare, "/post", effort.requests, clients)),
            ("ours", served[0].read_turn(effort.requests, clients)),
        )
    })  # fmt: skip
    return [
        Figure(f"{POST}, {_by(one, clients)} on all cores",
               rates[f"ours{clients}"], rates[f"bare{clients}"], RATE)
        for clients in (1, MANY)
    ]  # fmt: skip


def _by_processes(
    places: Sequence[Place],
    bare_folder: Path,
    effort: Effort,
    turns: Callable[[Sequence[Place], Server], dict[str, Turn]],
) -> dict[str, float]:
    """Take turns by several processes of each server, which differ a little by chance.

    A process that just started has read nothing of its database yet; one that serves a site has.
    """
    found: dict[str, list[float]] = {}
    for _ in range(effort.processes):
        with ExitStack() as stack:
            bare = stack.enter_context(started(["tests.bench.bare", str(bare_folder), "PORT"]))
            bare.wait("/post")
            served = [stack.enter_context(served_again(one)) for one in places]
            for one in served:
                one.read_turn(effort.warming)()
            rates = take_turns(turns(served, bare), effort.page_rounds)
            for name, rate in rates.items():
                found.setdefault(name, []).append(rate)
    return usual(found)


def unlocks(places: Sequence[Place], effort: Effort) -> list[Figure]:
    """Measure an unlock by one client and by a crowd, at all sizes.

    Its floor are the same rows, the counters of the door included, written by hand in the same
    database by as many connections; ours and the floor take turns.
    """
    figures = []
    for small, large in _pairs(places):
        turns = {}
        for one in (small, large):
            for clients in (1, CROWD):
                turns[f"raw {_by(one, clients)}"] = one.raw_turn(effort.sales, clients)
                turns[_by(one, clients)] = one.unlock_turn(effort.sales, clients)
        rates = take_turns(turns, effort.rounds)
        aim = AIMS[small.name]
        figures += [
            Figure(f"{UNLOCK}, {kind}", rates[kind], rates[f"raw {kind}"], "unlocks/s", aim)
            for one in (small, large)
            for kind in (_by(one, 1), _by(one, CROWD))
        ]
        ours, raw = (
            rates[f"{side}{_by(small, 1)}"] / rates[f"{side}{_by(large, 1)}"]
            for side in ("", "raw ")
        )
        grown = f"{UNLOCK}, {small.name}, growth to {large.stored:,}"
        figures.append(Figure(grown, ours, raw, GROWTH, "ours <= 1.25"))
    return figures


def _by(one: Place, clients: int) -> str:
    return f"{_at(one)}, {clients} client{'s' if clients > 1 else ''}"


def starts(places: Sequence[Place], bare_folder: Path, effort: Effort) -> list[Figure]:
    """Measure the start of `obolo run` on a site that has run before, and what it weighs then."""
    figures = []
    for one in places:
        weighed: dict[str, list[tuple[float, float, float]]] = {"ours": [], "floor": []}
        for _ in range(effort.starts):
            for side, arguments, page, asked in (
                ("ours", ["core.cli", "run"], "/", one.reading()),
                ("floor", ["tests.bench.bare", str(bare_folder), "PORT"], "/post",
                 client.request("GET", "/post")),
            ):  # fmt: skip
                with started(arguments, OBOLO_HOME=str(one.home)) as server:
                    seconds = server.wait(page)
                    client.drive(server.port, [asked] * effort.requests, 200)
                    weighed[side].append((seconds, *server.memory()))
        ours, floor = ([median(some) for some in zip(*weighed[side], strict=True)]
                       for side in ("ours", "floor"))  # fmt: skip
        aim = "ours <= 3"
        figures += [
            Figure(f"start-up, {_at(one)}", ours[0], floor[0], "s", aim),
            Figure(f"memory, one worker, {_at(one)}", ours[1], floor[1], "MiB"),
            Figure(f"memory, worker and master, {_at(one)}", ours[2], floor[2], "MiB"),
        ]
    return figures


def _at(one: Place) -> str:
    return f"{one.name}, {one.stored:,} stored"


def _pairs(places: Sequence[Place]) -> list[tuple[Place, Place]]:
    return list(zip(places[::2], places[1::2], strict=True))
