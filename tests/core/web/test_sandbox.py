"""A theme's template draws; it reads no key, no environment, no database, and fills no memory."""

from __future__ import annotations

import os
from types import SimpleNamespace

import pytest
from flask import current_app, g, render_template_string
from jinja2 import Environment
from jinja2.exceptions import SecurityError, UndefinedError

from core import doctor, settings, storage
from core.errors import OboloError
from core.plugins import breaker, watching
from core.settings import Setting
from core.storage import Model
from core.web import sandbox, themes
from tests.conftest import browser_of
from tests.core.themes.places import write_theme

CANARY = "canary-7f3a"
OUT = [
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ ''['__class__']['__mro__'] }}",
    "{{ ''|attr('__class__')|attr('__mro__') }}",
    "{{ [['x']]|map(attribute='__class__')|list }}",
    "{{ ['x']|map('attr', '__class__')|list }}",
    "{{ [thing]|groupby('__class__') }}",
    "{{ [thing]|selectattr('__class__')|list|first|attr('__dict__') }}",
    "{{ '{0.__class__.__init__.__globals__}'.format(thing) }}",
    "{{ '{a.__class__}'.format_map({'a': thing}) }}",
    "{{ ['{0.__class__}']|map(attribute='format')|list }}",
    "{{ '%(a)s'|format(a=thing.__init__.__globals__) }}",
    "{{ url_for.__globals__ }}",
    "{{ url_for.__self__.config }}",
    "{{ url_for.__func__.__globals__['os'].environ }}",
    "{{ cycler.__init__.__globals__.os.environ }}",
    "{{ joiner.__init__.__globals__ }}",
    "{{ namespace.__init__.__globals__ }}",
    "{% set n = namespace(a=1) %}{{ n._Namespace__attrs }}{{ n.__class__ }}",
    "{{ lipsum.__globals__ }}",
    "{{ range.__globals__ }}",
    "{{ get_flashed_messages.__globals__ }}",
    "{{ config.items() }}",
    "{{ config.SECRET_KEY }}{{ config }}",
    "{{ self.__init__.__globals__ }}{{ self._TemplateReference__context }}",
    "{% macro m() %}{% endmacro %}{{ m.__class__ }}{{ m._func.__globals__ }}{{ m._environment }}",
    "{% for x in [1] %}{{ loop.__class__ }}{{ loop._iterator }}{{ loop._undefined }}{% endfor %}",
    "{{ request.environ }}",
    "{{ request.headers }}{{ request.cookies }}",
    "{{ request['environ'] }}{{ request|attr('environ') }}",
    "{{ request.application.__globals__ }}{{ request.app }}{{ request.form }}{{ request.data }}",
    "{{ request.args.__class__.__init__.__globals__ }}",
    "{{ g.secret }}{{ g }}",
    "{{ session }}",
    "{{ reader().__class__.__init__.__globals__ }}{{ reader.__globals__ }}",
    "{{ reader().__dict__ }}{{ reader().__dataclass_fields__ }}",
    "{{ setting('jar.key') }}",
    "{{ setting.__globals__ }}{{ setting.__wrapped__ }}",
    "{{ slot.__globals__ }}{{ csrf.__globals__ }}{{ drafted.__globals__ }}",
    "{{ asset('../../keys/session.key', 'core') }}",
    "{{ asset.__closure__ }}",
    "{% include '../../keys/session.key' %}",
    "{% include '/etc/passwd' %}",
    "{% import 'os' as os %}{{ os.environ }}",
    "{{ _.__globals__ }}{{ gettext.__globals__ }}",
    "{{ model.select().database }}{{ model._meta.database }}",
    "{{ row._meta.database }}{{ row.delete_instance() }}{{ row.save() }}",
    "{{ app.config }}{{ app.extensions }}",
    "{{ module.environ }}",
    "{{ work.gi_frame.f_globals }}{{ work.gi_code }}",
    "{{ work.__next__.__self__ }}",
    "{% set x = thing.__class__ %}{{ x }}",
    "{{ thing['__class__'] }}{{ thing|attr('\\x5f\\x5fclass\\x5f\\x5f') }}",
    "{{ ().__class__.__base__.__subclasses__()|length }}",
    "{{ dict.__mro__ }}{{ dict.mro() }}",
]
"""Ways out that were published for Jinja and Flask, and those of this site's own names."""
BOMBS = [
    "{{ range(10 ** 9)|list }}",
    "{{ range(1000000000)|list }}",
    "{{ 9 ** 9 ** 9 }}",
    "{{ 'x' * 1000000000 }}",
    "{{ 1000000000 * 'x' }}",
    "{{ [0] * 1000000000 }}",
    "{{ (1000000000 * 1000000000) * 1000000000 }}",
    "{{ '%1000000000d' % 1 }}",
    "{{ '%*d' % (1000000000, 1) }}",
    "{{ '%1000000000d'|format(1) }}",
    "{{ '{:1000000000}'.format(1) }}",
    "{{ 'x'.ljust(1000000000) }}{{ 'x'.zfill(1000000000) }}",
    "{{ 'x'|center(1000000000) }}",
    "{{ 'x'|indent(1000000000) }}",
    "{{ [1]|batch(1000000000, 0)|list }}",
    "{{ [1]|slice(1000000000)|list }}",
    "{{ lipsum(n=1000000) }}",
    "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
]
REFUSALS = (SecurityError, UndefinedError, OboloError)


@pytest.fixture
def app(make_site, monkeypatch):
    monkeypatch.setenv("OBOLO_ENVIRONMENT", CANARY)
    app = make_site()
    settings.declare([Setting(name="jar.key", kind="secret")])
    settings.save("jar.key", CANARY, "test")
    app.config["SECRET_KEY"] = CANARY
    return app


class Row(Model):
    """A table's row."""


def things():
    """Return what a careless view could hand to a template."""
    return {
        "thing": SimpleNamespace(plain="shown"), "model": Row, "row": Row(),
        "app": current_app, "module": os, "work": (one for one in (1, 2)),
    }  # fmt: skip


def asking(app):
    """Return a request that carries what nobody else may see."""
    return app.test_request_context(
        "/", method="POST", headers={"Cookie": f"obolo-session={CANARY}"},
        data={"password": CANARY}, environ_base={"secret": CANARY},
    )  # fmt: skip


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_no_way_leads_out(app):
    """Each is refused, or draws nothing: no key, no class, no function, no password."""
    found = []
    keys = (app.instance_path + "/keys/session.key", storage.database.obj.database)
    for text in OUT:
        with asking(app):
            g.secret = CANARY
            try:
                drawn = render_template_string(text, **things())
            except Exception as error:  # noqa: BLE001 - whatever it is, it is looked at
                if not isinstance(error, REFUSALS) and "TemplateNotFound" not in repr(error):
                    found.append((text, repr(error)))
                continue
        shown = (CANARY, "&lt;class", "&lt;function", "&lt;bound", "environ", "root:", *keys)
        if any(str(one) in drawn for one in shown):
            found.append((text, drawn[:200]))

    assert found == []


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_template_without_the_sandbox_leads_out(app):
    """Weak twin: plain Jinja with Flask's own names lets many of them through."""
    leaks = 0
    with asking(app) as context:
        g.secret = CANARY
        names = {**things(), "request": context.request, "config": app.config, "g": g}
        plain = Environment(autoescape=True)
        for text in OUT:
            try:
                drawn = plain.from_string(text).render(**names)
            except Exception:  # noqa: BLE001 - it led nowhere
                continue
            leaks += CANARY in drawn or "&lt;class" in drawn

    assert leaks > 15


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_no_number_fills_the_memory(app):
    """What would take gigabytes or minutes is refused before it starts."""
    drawn = []
    for text in BOMBS:
        with asking(app):
            try:
                drawn.append((text, len(render_template_string(text))))
            except (*REFUSALS, OverflowError, RecursionError):
                continue

    assert drawn == []


@pytest.mark.parametrize(
    ("text", "drawn"),
    [
        ("{{ request.path }}{{ request.method }}", "/POST"),
        ("{{ thing.plain }}{{ thing['plain'] }}", "shownshown"),
        ("{{ {'a': 1}.a }}{{ {'a': 1}['a'] }}{{ {'items': 2}['items'] }}", "112"),
        ("{{ 'a b'.split()|join('-') }}{{ 'a'.upper() }}", "a-bA"),
        ("{{ 6 * 7 }}{{ '-' * 3 }}{{ 7 % 4 }}{{ '%05.2f'|format(1.5) }}", "42---301.50"),
        ("{{ nothing }}{{ thing.nothing }}", ""),
        ("{% for one in range(3) %}{{ loop.index }}{% endfor %}", "123"),
    ],
)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_a_page_needs_is_there(app, text, drawn):
    """Attributes, entries, texts, small numbers, and where one is."""
    with asking(app):
        assert render_template_string(text, **things()) == drawn


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_themes_own_template_runs_there(make_site, tmp_path):
    """Over HTTP: what it asks for is not shown, and what fails is drawn by the plain theme."""
    folder, hole = tmp_path / "home" / "themes", "{{ request.environ }}{{ url_for.__globals__ }}"
    write_theme(
        folder, "mine", 'parent = "foglio"',
        **{"templates/layout.html": "theirs: " + hole + "{{ '%s'|format(config) }}."},
    )  # fmt: skip
    write_theme(
        folder, "faulty", 'parent = "foglio"', **{"templates/layout.html": "theirs {{ 1 // 0 }}"}
    )
    client = browser_of(make_site("posts", settings={"site.theme": "mine"}))
    drawn = client.get("/").text
    settings.save("site.theme", "faulty", "test")
    failed = client.get("/")

    assert drawn == "theirs: ."
    assert failed.status_code == 500
    assert "theirs" not in failed.text
    assert "Something went wrong here" in failed.text


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "loop",
    [
        "{% for a in range(99999) %}{% for b in range(99999) %}.{% endfor %}{% endfor %}",
        "{% for a in range(99999) %}{% for b in range(999) %}{% endfor %}{% endfor %}",
        "{% macro m() %}{% for a in range(99999) %}{{ a }}{% endfor %}{% endmacro %}{{ m() }}",
    ],
)
def test_a_theme_that_loops_is_ended_and_taken_off(make_site, tmp_path, monkeypatch, loop):
    """Its page is an error that says so, in the plain theme; after five the plain one is worn."""
    reports = watching.failed
    monkeypatch.setattr(sandbox, "SECONDS", 0.005)
    write_theme(tmp_path / "home" / "themes", "loop", **{"templates/error.html": loop})
    app = make_site()
    breaker.install(tmp_path / "home")
    with app.app_context():
        themes.wear("loop", "test")
    codes = {browser_of(app).get("/nowhere").status_code for _ in range(5)}
    paused = breaker.store()
    with app.app_context():
        off = [themes.site_themes().take_off("loop") for _ in range(2)]
    found = {one.kind: one.sentence for one in doctor.findings(tmp_path / "home")}
    watching.failed = reports

    assert codes == {404}
    assert "loop" not in settings.value("site.theme")
    assert (paused, off) == (["theme:loop"], [True, False])
    assert "The theme loop was taken off, and the plain one is worn: TooSlow" in found["theme"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_watchdog_names_the_theme_that_draws(make_site, tmp_path, monkeypatch):
    """A loop that calls nothing is noticed by nobody else; a page without a theme names none."""
    seen = []
    write_theme(
        tmp_path / "home" / "themes", "slow", **{"templates/error.html": "{{ reader() }}"}
    )  # fmt: skip
    app = make_site()
    monkeypatch.setitem(
        app.jinja_env.globals, "reader", lambda: seen.append(watching.hung(1e9)) or ""
    )
    with app.app_context():
        themes.wear("slow", "test")
    browser_of(app).get("/nowhere")

    assert [(one.plugin, one.what, one.most) for one in seen] == [("theme:slow", "render", 8.0)]
    assert watching.hung(1e9) is None
