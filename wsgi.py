"""The site for a server of your own: `granian --interface wsgi --blocking-threads 4 wsgi:app`."""

from __future__ import annotations

from core.config import load
from core.swapping import Site

app = Site(load())
