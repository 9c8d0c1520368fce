"""How fast one process opens a sealed file: `python -m tests.bench.files`."""

from __future__ import annotations

import io
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from core.storage import segments

KEY = (bytes(16), bytes(range(32)))
MEGABYTES = 256
MILLION = 1_000_000


def megabytes_a_second(folder: Path, megabytes: int = MEGABYTES) -> tuple[float, float]:
    """Seal a file of so many megabytes and open it; return the speed of both."""
    path, size = folder / "sealed", megabytes * MILLION
    started = time.perf_counter()
    with path.open("wb") as target:
        segments.seal(io.BytesIO(bytes(size)), target, key=KEY, id="fil_a", size=size)
    sealed = time.perf_counter()
    with path.open("rb", buffering=0) as file:
        header = segments.read_header(file)
        opened = sum(map(len, segments.unseal(file, header, KEY[1], "fil_a", 0, size - 1)))
    ended = time.perf_counter()
    assert opened == size
    path.unlink()
    return megabytes / (sealed - started), megabytes / (ended - sealed)


def main() -> None:
    """Print both figures."""
    with TemporaryDirectory() as folder:
        sealing, opening = megabytes_a_second(Path(folder))
    print(f"sealing {sealing:.0f} MB/s, opening {opening:.0f} MB/s, one process")


if __name__ == "__main__":
    main()
