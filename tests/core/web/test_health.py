"""What a supervisor asks."""

from __future__ import annotations

import pytest
from peewee import OperationalError


def test_a_live_process_says_so(make_site):
    """Without the database."""
    done = make_site().test_client().get("/healthz")

    assert (done.status_code, done.text, done.mimetype) == (200, "ok\n", "text/plain")


def test_a_ready_process_has_asked_the_database(make_site):
    """Both databases answer the same question."""
    done = make_site().test_client().get("/readyz")

    assert (done.status_code, done.text) == (200, "ready\n")


@pytest.mark.parametrize(("path", "status"), [("/healthz", 200), ("/readyz", 500)])
def test_without_its_database_a_process_lives_and_is_not_ready(
    make_site, monkeypatch, path, status
):
    """So it gets no readers and is not killed."""

    def gone(*_arguments):
        raise OperationalError("the database is gone")

    client = make_site().test_client()
    monkeypatch.setattr("core.web.health.execute", gone)
    done = client.get(path)

    assert done.status_code == status
    assert "the database is gone" not in done.text
