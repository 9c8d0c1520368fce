"""A plugin calls the hosts that its manifest names, and no other; whose call it is is known."""

from __future__ import annotations

import pytest

from core import audit, settings
from core.http import HttpRefused, Response
from core.plugins import catalogue, reaching, read_manifest, watching
from core.plugins.manifest import ManifestError
from core.plugins.reaching import by_manifest
from tests.core.plugins import shelf

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
TOUCHES = """
[touches]
hosts = ["api.example.com", "odd.example:8443", "setting:bank"]

[settings.bank]
type = "url"
label.en = "Bank"
"""


def reached(method, url):
    return Response(200, {}, url.encode())


@pytest.fixture
def ask(db, tmp_path, monkeypatch):
    """Return what asks for an address while the plugin `own` works."""
    manifest = read_manifest(shelf.put(tmp_path, "own", shelf.HEAD, TOUCHES))
    settings.declare(manifest.declared_settings)
    monkeypatch.setitem(catalogue.manifests, "own", manifest)
    monkeypatch.setattr(reaching, "_audited", {})

    def call(url, plugin="own"):
        before = watching.begin(plugin, "page", 0.0)
        try:
            return by_manifest(reached)("GET", url=url).body.decode()
        finally:
            watching.end(plugin, "page", 0.0, before, failed=False)

    return call


def test_a_declared_host_is_called(ask):
    """By its name, by its port, or by the setting that names it now."""
    settings.save("own.bank", "https://bank.example:444/v1", actor="test")
    urls = [
        "https://api.example.com/a", "https://api.example.com:99/", "https://odd.example:8443/",
        "https://BANK.example:444/x",
    ]  # fmt: skip

    assert [ask(url) for url in urls] == urls


@pytest.mark.parametrize(
    "url",
    ["https://evil.example/", "https://odd.example/", "https://x.api.example.com/", "https://[x/"],
)
def test_another_host_is_refused_and_audited_once(ask, url):
    """A plugin that calls in a loop does not fill the log."""
    for _ in range(2):
        with pytest.raises(HttpRefused, match="not among the hosts of own"):
            ask(url)

    assert len(audit.events(action="plugins.host_refused", actor="own")) == 1


def test_without_a_mark_the_calling_module_says_whose_call_it_is(ask):
    """A command, or a thread of the plugin's own; who is no plugin may not call this way."""
    code = compile("answer = lambda request, url: request('GET', url)", "x", "exec")
    playmoney, stranger = ({"__name__": n} for n in ("plugins.playmoney.transports", "elsewhere"))
    for names in (playmoney, stranger):
        exec(code, names)
    request = by_manifest(reached)

    assert playmoney["answer"](request, "http://127.0.0.1:8000/").status == 200
    with pytest.raises(HttpRefused, match="not among the hosts of playmoney"):
        playmoney["answer"](request, "https://api.example.com/")
    with pytest.raises(HttpRefused, match="It is not known which plugin calls"):
        stranger["answer"](request, "https://api.example.com/")


def test_only_a_setting_that_is_an_address_names_a_host(tmp_path, db):
    """The manifest says what is wrong."""
    folder = shelf.put(tmp_path, "own", shelf.HEAD, '[touches]\nhosts = ["setting:none"]\n')

    with pytest.raises(ManifestError, match="the host of none, which is no setting of the type"):
        read_manifest(folder)
