"""The site for a WSGI server of your own: `gunicorn --preload --threads 4 wsgi:app`."""

from __future__ import annotations

from core.app import create_app
from core.config import load

app = create_app(load())
