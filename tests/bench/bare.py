"""The floor: a bare Flask app under the same server, which renders one template for each page.

`python -m tests.bench.bare FOLDER PORT`; the folder holds the pages as `<name>.html` with the texts
that are filled in as `<name>.json`. It imports nothing of Obolo, whose memory and start it is
compared to.
"""

from __future__ import annotations

import json
import multiprocessing
import sys
from pathlib import Path
from typing import Any

from flask import Flask, render_template
from granian.http import HTTP1Settings
from granian.log import LogLevels
from granian.server.mp import MPServer

OPTIONS: dict[str, Any] = {
    "interface": "wsgi",
    "blocking_threads": 16,
    "http": "1",
    "http1_settings": HTTP1Settings(header_read_timeout=15_000),
    "respawn_failed_workers": True,
    "workers_kill_timeout": 10,
    "log_level": LogLevels.warning,
}
"""As core.cli.server sets them; tests/bench/test_bench.py compares the two."""


def serve(app: Flask, port: int) -> None:
    """Serve an app as Obolo serves its own, by a fork that has it already."""
    multiprocessing.set_start_method("fork", force=True)
    master = MPServer("bare", "127.0.0.1", port, **OPTIONS)
    master.serve(target_loader=lambda: app, wrap_loader=False)


def bare(folder: Path) -> Flask:
    """Return an app with nothing in it but a view for each page of the folder."""
    app = Flask("bare", template_folder=str(folder))
    texts = {path.stem: json.loads(path.read_text()) for path in folder.glob("*.json")}

    @app.get("/<name>")
    def page(name: str) -> Any:
        return render_template(f"{name}.html", texts=texts[name])

    return app


if __name__ == "__main__":
    serve(bare(Path(sys.argv[1])), int(sys.argv[2]))
