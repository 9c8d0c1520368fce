"""obolo run, obolo worker: the processes of a site."""

from __future__ import annotations

import gc
import multiprocessing
import os
import resource
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server import mp

from core import config as configuration
from core import doors, settings, storage, tasks, views
from core.app import ROOT
from core.cli import demo, reloading
from core.cli.hands import ON_POSTGRES, ON_SQLITE, Hands
from core.cli.opened import address_of
from core.config import Config
from core.plugins import catalogue
from core.plugins.loader import BUNDLED
from core.swapping import Site

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

COLLECT_AFTER = 20_000
"""New objects after which the garbage collector looks again; Python's own choice is 700."""
THREADS = 16
"""So many requests may wait for somebody at once: a provider, or a reader who is slow."""
PORTS_TRIED = 100
PAUSE_SECONDS = 0.1
"""Between a worker that ended and what else is done about workers."""
OPTIONS: dict[str, Any] = {
    "interface": "wsgi",
    "blocking_threads": THREADS,
    "http": "1",
    "http1_settings": HTTP1Settings(header_read_timeout=15_000),
    "respawn_failed_workers": True,
    "workers_kill_timeout": 10,
    "log_level": LogLevels.warning,
}
"""How Granian runs, here and where a bare app is measured beside the site."""
ENDING = frozenset({signal.SIGINT, signal.SIGTERM})
MOST_MEMORY = 4 * 1024**3
"""Bytes of addresses that a worker may have; one that serves takes a quarter of it."""


@click.command()
@click.option(
    "--demo", "with_demo", is_flag=True, help="Make a site with demo content if there is none."
)
@click.option("--workers", default=1, show_default=True, help="How many processes serve pages.")
@click.option("--no-tasks", is_flag=True, help="Leave the work behind the pages to `obolo worker`.")
@click.option("--reload", is_flag=True, help="For authors: start again when a plugin changes.")
def run(with_demo: bool, workers: int, no_tasks: bool, reload: bool) -> None:  # noqa: FBT001
    """Start the site and print its address."""
    home = Path(os.environ.get("OBOLO_HOME") or "instance").absolute()
    fresh = not (home / "keys" / "session.key").exists()
    if with_demo and fresh:
        demo.make_home(home)
    config = configuration.load(home)
    port = int(os.environ.get("PORT") or config.port)
    config = replace(config, port=free_port(config.host, port))
    if reload:
        sys.exit(_again(config, with_demo=with_demo, no_tasks=no_tasks))
    site = Site(config)
    if with_demo:
        with site.app.app_context():
            demo.load()
    server = Server(site, config, workers=workers, with_tasks=not no_tasks)
    storage.close()  # no connection survives the fork of a worker
    tasks.configure(None)
    server.run()


def _again(config: Config, *, with_demo: bool, no_tasks: bool) -> int:
    """Run the site in a child that is started again when a plugin or a theme changes."""
    command = ["run", *["--demo"] * with_demo, *["--no-tasks"] * no_tasks]
    folders = [Path(folder) for folder in config.plugin_folders] + [BUNDLED, ROOT / "themes"]
    environment = {**os.environ, "OBOLO_HOME": str(config.home), "PORT": str(config.port)}
    click.echo("  Plugins and themes are watched; a change starts the site again.")
    reloading.end_on_terminate()
    return reloading.run_again(command, folders, environment)


@click.command()
def worker() -> None:
    """Do the work behind the pages, in a process of its own."""
    site = Site(configuration.load())
    site.start_threads()
    tasks.run_worker()


def free_port(host: str, wanted: int) -> int:
    """Return the port that was wanted, or the next one that nobody listens on."""
    for port in range(wanted, wanted + PORTS_TRIED if wanted else 1):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise click.ClickException(f"No port from {wanted} to {wanted + PORTS_TRIED - 1} is free.")


class Server:
    """Granian with threads, serving an app that is built already by forks of this process."""

    def __init__(
        self, site: WSGIApplication, config: Config, *, workers: int, with_tasks: bool
    ) -> None:
        """Take the site as it is."""
        self.site = site
        self.config = config
        self.workers = workers
        self.with_tasks = with_tasks
        self.greeting = "\n".join(greeting(config))

    def run(self) -> None:
        """Serve until this process is asked to end."""
        multiprocessing.set_start_method("fork", force=True)
        master = Master(
            "obolo", self.config.host, self.config.port, workers=self.workers, **OPTIONS
        )
        master.on_startup(self._say_where)
        master.serve(spawn_target=self._work, target_loader=self._start_worker, wrap_loader=False)

    def _work(self, *arguments: Any) -> None:
        """Be a worker, from its fork to its end; one that still starts is ended at once."""
        for number in ENDING:
            signal.signal(number, signal.SIG_DFL)  # not as the process that it was forked from
        signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)  # one thread waits for them instead
        parent = multiprocessing.parent_process()
        assert parent is not None
        for why in (partial(signal.sigwait, ENDING), parent.join):
            threading.Thread(target=_end, args=(why,), name="server.end", daemon=True).start()
        try:
            Master._spawn_wsgi_worker(*arguments)  # noqa: SLF001 - what `serve` spawns by itself
        finally:
            views.stop_thread()
            tasks.stop_thread()

    def _start_worker(self) -> WSGIApplication:
        """Let the collector pass over what a site never drops, and look less often."""
        gc.collect()
        gc.freeze()
        gc.set_threshold(COLLECT_AFTER)
        contain()
        tasks.configure(self.config.database)
        if isinstance(self.site, Site):
            self.site.catch_up()  # the master's app may be older
            self.site.start_threads()
        views.start_thread()
        if self.with_tasks:
            tasks.start_thread()
        return Hands(self.site, ON_POSTGRES if storage.is_postgres() else ON_SQLITE)

    def _say_where(self) -> None:
        click.echo(self.greeting)
        sys.stdout.flush()


class Master(mp.MPServer):
    """What starts the workers, and starts again whichever ends."""

    _sfd: Any
    _shd: Any
    _sso: Any

    def _init_shared_socket(self) -> None:
        """Listen here, so that whoever comes while a worker starts again waits for it."""
        family = socket.AF_INET6 if ":" in self.bind_addr else socket.AF_INET
        with socket.create_server(
            (self.bind_addr, self.bind_port), family=family, backlog=self.backlog
        ) as listening:
            listening.set_inheritable(True)
            self._sfd = listening.detach()
        made: Any = mp.SocketHolder  # type: ignore[attr-defined]  # whose types leave all out
        self._shd = made(self._sfd, False, self.backlog)  # noqa: FBT003 - no Unix socket
        self._sso = socket.socket(fileno=self._sfd)

    def _respawn_workers(self, *arguments: Any, **named: Any) -> None:
        """Start workers again, however often: a plugin that ends them is put out after a while."""
        super()._respawn_workers(*arguments, **named)
        self.respawned_wrks.clear()
        time.sleep(PAUSE_SECONDS)


_ending = threading.Lock()


def _end(once: Callable[[], object]) -> None:
    """End this worker once it is asked to, or the process that started it is gone.

    Granian's own way is a handler in the first thread, which may sleep on when another thread hears
    a signal, and which waits for itself for ever when it hears a second one.
    """
    once()
    _ending.acquire()  # and never let go: it is ended once
    handler = signal.getsignal(signal.SIGTERM)
    if callable(handler):
        handler(signal.SIGTERM, None)
    else:
        os._exit(0)  # it does not serve yet


def contain() -> None:
    """Keep what a plugin does by accident from harming this machine, or the other workers.

    More memory is refused to it by a MemoryError. A copy of this process, which would answer the
    same requests a second time, ends at once; to start another program stays possible.
    """
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    most = MOST_MEMORY if hard == resource.RLIM_INFINITY else min(MOST_MEMORY, hard)
    resource.setrlimit(resource.RLIMIT_AS, (most, hard))
    os.register_at_fork(after_in_child=lambda: os._exit(70))


def greeting(config: Config) -> list[str]:
    """Return what the owner reads once the site is open: where it is, and what needs attention."""
    name = settings.value("site.name")
    lines = ["", f"  {name} is open at {address_of(config)}/", ""]
    if token := doors.owner_wanted():
        lines += [f"  Make it yours (once, within a day): {address_of(config)}/setup/{token}", ""]
    if settings.value("checkout.allow_loss"):
        lines.append(
            "  checkout.allow_loss is on: the fee of a card can be more than a small price."
        )
    lines += [f"  The plugin {plugin} is off: {why}" for plugin, why in catalogue.failed.items()]
    return lines


COMMANDS = (run, worker)
