"""What plugins cost: `python -m tests.bench.swaps FOLDER ROUNDS` prints the figures as JSON.

A site is built anew with twenty plugins of six pages each, and swapped; pages are asked of a site
with five and with fifty plugins, by turns.
"""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from statistics import median

from werkzeug.test import Client, run_wsgi_app

from core import app as house
from core import config as configuration
from core.plugins import enabled
from core.swapping import Site
from tests.bench.figures import Figure
from tests.bench.processes import ROOT
from tests.plugins.posts.texts import bring, write

FEW, SOME, MANY = 5, 20, 50
PAGES = 6
MANIFEST = """
[plugin]
name = "{name}"
version = "1"
title.en = "{name}"
description.en = "Written for a measure."
prefix = "/x/{name}"

[settings.size]
type = "int"
label.en = "Size"
"""
HEAD = """
from flask import Blueprint
from core import callers, hookimpl

pages = Blueprint("{name}", __name__)


@hookimpl
def register_blueprint():
    return pages


@hookimpl
def describe(resource):
    return None
"""
VIEW = """

@pages.get("/x/{name}/{number}")
@callers("anyone")
def show{number}():
    return "{number}"
"""


def figures(folder: Path, rounds: int) -> list[Figure]:
    """Measure in a process of its own: a site belongs to its process."""
    command = [sys.executable, "-m", "tests.bench.swaps", str(folder), str(rounds)]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    found = json.loads(done.stdout.splitlines()[-1])
    return [
        Figure(f"swap to a list with {SOME} plugins of {PAGES} pages", found["swap"] * 1000,
               found["bare"] * 1000, "ms", "ours <= 100"),
        *(Figure(f"{page} with {MANY} plugins beside {FEW}", found[page][1] * 1000,
                 found[page][0] * 1000, "ms", "<= 1.1") for page in ("front page", "post")),
    ]  # fmt: skip


def make_site(folder: Path) -> Site:
    """Make a site with a post, and the folders of all plugins, none of which is on yet."""
    configuration.initialise(folder)
    for number in range(MANY):
        name = f"made{number}"
        place = folder / "plugins" / name
        place.mkdir(parents=True)
        (place / "plugin.toml").write_text(MANIFEST.format(name=name))
        views = "".join(VIEW.format(name=name, number=page) for page in range(PAGES))
        (place / "__init__.py").write_text(HEAD.format(name=name) + views)
    logging.disable(logging.INFO)
    house.prepare(configuration.load(folder), immediate=True)
    enabled.enable("posts", actor="bench")
    site = Site(configuration.load(folder))
    site.start_threads = lambda *_: None  # type: ignore[method-assign]
    write(folder / "texts", "hello", "Words.\n")
    bring(site.app, folder / "texts")
    return site


def with_plugins(site: Site, wanted: Iterable[str]) -> float:
    """Switch these on beside posts; return the seconds of the swap."""
    names = set(wanted)
    for one in enabled.names("enabled"):
        if one not in {*names, "posts"}:
            enabled.disable(one, actor="bench")
    for name in sorted(names - set(enabled.names("enabled"))):
        enabled.enable(name, actor="bench")
    started = time.perf_counter()
    site.refresh()
    return time.perf_counter() - started


def swap(site: Site, rounds: int) -> tuple[float, float]:
    """Return the seconds of a swap to twenty plugins, and to none."""
    full, bare = [], []
    names = [f"made{number}" for number in range(SOME)]
    with_plugins(site, names)  # imports them; so does the start
    for _ in range(rounds):
        bare.append(with_plugins(site, []))
        full.append(with_plugins(site, names))
    return median(full), median(bare)


def pages(site: Site, address: str, rounds: int, requests: int) -> list[float]:
    """Return the seconds of a page with few and with many plugins, by turns."""
    sites = []
    for number in (FEW, MANY):
        with_plugins(site, [f"made{one}" for one in range(number)])
        sites.append(site.app)
    seconds: tuple[list[float], list[float]] = ([], [])
    environ = Client(site).get(address).request.environ
    for turn in range(rounds * 2):
        which = (turn + turn // 2) % 2
        site.swap(sites[which])
        run_wsgi_app(site, dict(environ), buffered=True)
        started = time.perf_counter()
        for _ in range(requests):
            run_wsgi_app(site, dict(environ), buffered=True)
        seconds[which].append((time.perf_counter() - started) / requests)
    return [median(some) for some in seconds]


def main() -> None:
    """Print what was measured as one line of JSON."""
    folder, rounds = Path(sys.argv[1]), int(sys.argv[2])
    site = make_site(folder)
    full, bare = swap(site, rounds)
    found = {
        "swap": full, "bare": bare, "front page": pages(site, "/", rounds, 200),
        "post": pages(site, "/hello", rounds, 200),
    }  # fmt: skip
    print(json.dumps(found))


if __name__ == "__main__":
    main()
