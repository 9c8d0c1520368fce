"""The site for a WSGI server of your own: `gunicorn --preload --threads 4 wsgi:app`."""

from __future__ import annotations

from core.config import load
from core.swapping import Site

app = Site(load())
