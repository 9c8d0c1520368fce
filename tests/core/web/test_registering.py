"""What a plugin registers stays its own, and what fails in it counts against it."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from flask import Blueprint, Response, abort, request, send_file

from core import storage
from core.app import create_app
from core.config import load
from core.errors import Refused
from core.plugins import Embed, Periodic, breaker, caller, catalogue, enabled, watching
from core.web.callers import callers
from core.web.registering import NotItsOwn, _add_provider
from tests.conftest import KEK
from tests.core.plugins import shelf
from tests.stand_in import StandIn

sqlite_only = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
pytestmark = sqlite_only


@pytest.fixture
def site(db, tmp_path):
    """Return what builds a site with a plugin that registers this blueprint, or more."""
    home = shelf.make_home(tmp_path / "home", KEK, db)
    reports = watching.failed

    def build(pages=None, manifest="", code="", **registered):
        answers = {"register_blueprint": pages, **registered}
        text = shelf.HEAD + "import plugins\n" + code
        for hook, answer in answers.items():
            if answer is not None:
                text += f"\n\n@hookimpl\ndef {hook}():\n    return plugins.answers['{hook}']\n"
        shelf.put(home, "own", text, manifest)
        import plugins

        plugins.answers = answers
        storage.execute("DELETE FROM plugins_plugin")
        enabled.enable("own", actor="test")
        app = create_app(load(home), immediate=True)
        breaker._noted.clear()
        return app

    with shelf.forgotten():
        yield build
        caller.load([])
    watching.failed = reports


def blueprint(rule="/x/own/", view=lambda: "open", **options):
    pages = Blueprint("own", __name__, **options)
    pages.add_url_rule(rule, "page", callers("anyone")(view))
    return pages


def noted():
    return [(one.plugin, one.what, one.error) for one in breaker.noted()]


@pytest.mark.parametrize("rule", ["/x/own", "/x/own/a/<b>", "/admin/x/own/"])
def test_an_address_of_its_own_is_taken(site, rule):
    """Below its prefix, or below /x/ or /admin/x/ with its name."""
    app = site(blueprint(rule))

    assert catalogue.failed == {}
    assert rule in {one.rule for one in app.url_map.iter_rules()}


@pytest.mark.parametrize(
    ("prefix", "rule", "why"),
    [
        ("/x/own", "/healthz", "is taken"),
        ("/x/own", "/x/owner/", "not below /x/own"),
        ("/x/own", "/else", "not below /x/own"),
        ("/", "/checkout/more", "among those of /checkout/"),
        ("/checkout", "/checkout/<path:rest>", "among those of /checkout/"),
        ("/", "/sign-in/now", "among those of /sign-in/"),
    ],
)
def test_an_address_of_others_is_refused(site, monkeypatch, prefix, rule, why, caplog):
    """Core's above all, and whatever lies below; the plugin stays off and the site starts."""
    monkeypatch.setattr(
        shelf, "MANIFEST", shelf.MANIFEST.replace('"/x/{name}"', f'"{prefix}"')
    )  # fmt: skip
    app = site(blueprint(rule))

    assert why in catalogue.failed["own"]
    assert app.test_client().get("/healthz").text == "ok\n"


def wide(act):
    pages = blueprint()
    pages.record(lambda state: act(state.app))
    return pages


@pytest.mark.parametrize(
    "act",
    [
        lambda app: app.before_request(lambda: None),
        lambda app: app.after_request(lambda answer: answer),
        lambda app: app.register_error_handler(404, lambda error: ""),
        lambda app: app.context_processor(dict),
        lambda app: app.jinja_env.globals.update(csrf=lambda: ""),
        lambda app: app.jinja_env.filters.update(money=str),
        lambda app: app.config.update(TRUSTED_HOSTS=None),
        lambda app: setattr(app, "wsgi_app", lambda *_: [b""]),
        lambda app: app.view_functions.update({"checkout.show": lambda **_: "mine"}),
        lambda app: app.view_functions.update({next(iter(app.view_functions)): lambda: "mine"}),
    ],
)
def test_what_acts_on_every_page_is_refused(site, act, caplog):
    """Neither steps of each request, nor what templates call, nor another's page."""
    site(wide(act))

    assert "own" in catalogue.failed


def test_a_step_that_ends_the_process_only_keeps_the_plugin_off(site, caplog):
    """A blueprint's own code runs while the app is built."""
    site(wide(lambda app: (_ for _ in ()).throw(SystemExit(3))))

    assert catalogue.failed["own"] == "SystemExit: 3"


def test_failures_of_pages_steps_and_streams_are_noted(site, caplog):
    """A refusal is none, nor is a page that does not exist."""

    def stream():
        yield "begun"
        raise LookupError("in the middle")

    pages = blueprint(view=lambda: 1 / 0)
    views = {
        "stream": lambda: Response(stream()), "bare": stream, "gone": lambda: abort(404),
        "refused": lambda: (_ for _ in ()).throw(Refused("No.")), "step": lambda: "open",
        "exit": lambda: (_ for _ in ()).throw(SystemExit(1)),
    }  # fmt: skip
    for name, view in views.items():
        pages.add_url_rule(f"/x/own/{name}", name, callers("anyone")(view))

    @pages.before_request
    def step():
        if request.path.endswith("step"):
            raise KeyError("step")

    client = site(pages).test_client()
    codes = {name: client.get(f"/x/own/{name}").status_code for name in ("", "step", "gone")}
    codes |= {name: client.get(f"/x/own/{name}").status_code for name in ("refused", "exit")}
    for name in ("stream", "bare"):
        with pytest.raises(LookupError):
            client.get(f"/x/own/{name}", buffered=True)

    assert codes == {"": 500, "step": 500, "gone": 404, "refused": 403, "exit": 503}
    assert noted() == [
        ("own", "page", "ZeroDivisionError: division by zero"), ("own", "page", "KeyError: 'step'"),
        ("own", "page", "SystemExit: 1"), ("own", "page", "LookupError: in the middle"),
        ("own", "page", "LookupError: in the middle"),
    ]  # fmt: skip


def test_a_file_that_a_page_sends_is_passed_on_as_it_is(site, tmp_path):
    """The server sends it; nothing reads it piece by piece."""
    (tmp_path / "a.txt").write_text("words")
    app = site(blueprint(view=lambda: send_file(tmp_path / "a.txt")))
    with app.test_request_context("/x/own/"):
        answer = app.view_functions["own.page"]()
        assert answer.direct_passthrough
        answer.close()

    assert app.test_client().get("/x/own/", buffered=True).text == "words"


def test_failures_of_embeds_and_work_are_noted(site, caplog):
    """With their names."""
    site(
        register_embeds={"jar": Embed(lambda given: 1 / 0)},
        register_tasks=[Periodic("own.sweep", 60, lambda: 1 / 0)],
    )
    for work in (lambda: catalogue.embeds["jar"].draw({}), catalogue.periodic[0].work):
        with pytest.raises(Exception, match="own failed in"):
            work()

    assert [what for _, what, _ in noted()] == ["embed jar", "task own.sweep"]


def test_a_provider_of_the_same_name_is_refused(site, caplog):
    """Money of one does not go to the other."""
    site(register_provider=StandIn())

    assert catalogue.providers.keys() == {"standin"}
    with pytest.raises(NotItsOwn, match="standin"):
        _add_provider("other", SimpleNamespace(name="standin"))


def test_a_template_in_anothers_place_keeps_the_plugin_off(site, tmp_path, caplog):
    """`checkout.html` of a plugin would stand before core's."""
    folder = tmp_path / "home" / "plugins" / "own" / "templates"
    folder.mkdir(parents=True)
    (folder / "checkout.html").write_text("mine")
    site(blueprint())

    assert "checkout.html must lie in templates/own/" in catalogue.failed["own"]
