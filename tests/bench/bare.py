"""The floor: a bare Flask app under the same gunicorn, which renders one template for each page.

`python -m tests.bench.bare FOLDER PORT`; the folder holds the pages as `<name>.html` with the texts
that are filled in as `<name>.json`. It imports nothing of Obolo, whose memory and start it is
compared to.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

from flask import Flask, render_template
from gunicorn.app.base import BaseApplication

OPTIONS = {
    "workers": 1,
    "threads": 4,
    "preload_app": True,
    "keepalive": 15,
    "graceful_timeout": 10,
    "control_socket_disable": True,
    "loglevel": "warning",
    "accesslog": None,
}
"""As core.cli.server sets them; tests/bench/test_bench.py compares the two."""


def threads() -> Any:
    """Return the module with the site's worker, without the rest of Obolo."""
    place = Path(__file__).parents[2] / "core" / "cli" / "threads.py"
    spec = importlib.util.spec_from_file_location("threads_of_the_site", place)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Server(BaseApplication):
    """Gunicorn as Obolo runs it."""

    def __init__(self, app: Flask, port: int) -> None:
        self.app = app
        self.port = port
        super().__init__()

    def load_config(self) -> None:
        place = {"bind": f"127.0.0.1:{self.port}", "worker_class": threads().WarmWorker}
        for name, value in {**place, **OPTIONS}.items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def load(self) -> Flask:
        return self.app


def bare(folder: Path) -> Flask:
    """Return an app with nothing in it but a view for each page of the folder."""
    app = Flask("bare", template_folder=str(folder))
    texts = {path.stem: json.loads(path.read_text()) for path in folder.glob("*.json")}

    @app.get("/<name>")
    def page(name: str) -> Any:
        return render_template(f"{name}.html", texts=texts[name])

    return app


if __name__ == "__main__":
    Server(bare(Path(sys.argv[1])), int(sys.argv[2])).run()
