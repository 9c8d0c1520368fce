"""obolo run, obolo worker: the processes of a site."""

from __future__ import annotations

import gc
import os
import resource
import socket
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from gunicorn.app.base import BaseApplication

from core import config as configuration
from core import doors, settings, storage, tasks, views
from core.app import ROOT
from core.cli import demo, reloading
from core.cli.opened import address_of
from core.cli.threads import WarmWorker
from core.config import Config
from core.plugins import catalogue
from core.plugins.loader import BUNDLED
from core.swapping import Site

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

COLLECT_AFTER = 20_000
"""New objects after which the garbage collector looks again; Python's own choice is 700."""
THREADS = 4
"""As many as one Python process uses well: with eight it served a third less (`make bench`)."""
PORTS_TRIED = 100
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


class Server(BaseApplication):  # type: ignore[misc]
    """Gunicorn with threads, serving an app that is built already."""

    def __init__(
        self, site: WSGIApplication, config: Config, *, workers: int, with_tasks: bool
    ) -> None:
        """Take the site as it is."""
        self.site = site
        self.config = config
        self.workers = workers
        self.with_tasks = with_tasks
        self.greeting = "\n".join(greeting(config))
        super().__init__()

    def load_config(self) -> None:
        """Set gunicorn's options."""
        options: dict[str, Any] = {
            "bind": f"{self.config.host}:{self.config.port}",
            "workers": self.workers,
            "worker_class": WarmWorker,
            "threads": THREADS,
            "preload_app": True,
            "keepalive": 15,
            "graceful_timeout": 10,
            "control_socket_disable": True,
            "loglevel": "warning",
            "accesslog": None,
            "when_ready": self._say_where,
            "post_worker_init": self._start_worker,
            "worker_exit": lambda _server, _worker: self._end_worker(),
        }
        for name, value in options.items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def load(self) -> WSGIApplication:
        """Return the site."""
        return self.site

    def _start_worker(self, _worker: object) -> None:
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

    def _end_worker(self) -> None:
        views.stop_thread()
        tasks.stop_thread()

    def _say_where(self, _arbiter: object) -> None:
        click.echo(self.greeting)
        sys.stdout.flush()


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
