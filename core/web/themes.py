"""The theme that a request is drawn in: its templates, its files, and what its owner set."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from flask import (
    Blueprint,
    Flask,
    Response,
    current_app,
    g,
    has_request_context,
    send_file,
    url_for,
)
from jinja2 import (
    ChoiceLoader,
    Environment,
    FileSystemLoader,
    PrefixLoader,
    Template,
    TemplateNotFound,
    TemplateSyntaxError,
)

from core.errors import NotFound, Refused
from core.settings import Value
from core.themes import Theme, Themes, stylesheet
from core.themes.finding import STYLESHEET
from core.web.callers import callers
from core.web.sandbox import Sandbox
from core.web.trying import current_trial

blueprint = Blueprint("theme", __name__)
NEVER_KEPT = "private, no-store"
KEPT = "public, max-age=31536000, immutable"
PLAIN = "plain"
"""`plain:posts/home.html` is the plugin's own, for a theme's template of that name to extend."""


class OwnTemplates(FileSystemLoader):
    """A theme's templates, apart from those for its owner's pages: they are core's alone."""

    def get_source(self, environment: Environment, template: str) -> Any:
        """Return a template's text."""
        if template.startswith("admin/"):
            raise TemplateNotFound(template)
        return super().get_source(environment, template)


class Templates(Sandbox):
    """The templates of plugins and core, and before them those of the request's theme."""

    def __init__(self, app: Flask, **options: Any) -> None:
        super().__init__(app, **options)
        self.plain: Sandbox = self
        self.by_theme: dict[str, Sandbox] = {}

    def get_or_select_template(self, *arguments: Any, **more: Any) -> Template:
        """Look for a template as the theme of this request does."""
        return Sandbox.get_or_select_template(self._chosen(), *arguments, **more)

    def _chosen(self) -> Sandbox:
        """Return the theme's own environment; the owner's pages have none of its templates."""
        if has_request_context() and "owners_page" in g:
            return self.plain
        theme = current_theme()
        if not theme.templates:
            return self.plain
        if theme.name not in self.by_theme:
            own = [OwnTemplates(folder) for folder in theme.templates]
            below = self.plain.loader
            assert below is not None, "the app has one"
            loader = ChoiceLoader([*own, below, PrefixLoader({PLAIN: below}, delimiter=":")])
            own_environment = self.plain.overlay(loader=loader)
            own_environment.theme = theme.name
            self.by_theme[theme.name] = own_environment
        return self.by_theme[theme.name]


def install(app: Flask, themes: Themes) -> None:
    """Make the themes known that this app can wear."""
    app.extensions["obolo_themes"] = themes


def site_themes() -> Themes:
    """Return the themes that this site can wear."""
    themes: Themes = current_app.extensions["obolo_themes"]
    return themes


def current_theme() -> Theme:
    """Return the theme of this request: the one that is tried, else the site's."""
    themes = site_themes()
    if has_request_context() and "plain_theme" in g:
        return themes.found[themes.plain]
    trial = current_trial()
    if trial is not None and trial.theme in themes.found:
        return themes.found[trial.theme]
    return themes.active


def wear(name: str, actor: str, values: Mapping[str, Value] | None = None) -> None:
    """Use a theme from now on. Raises NotFound, and Refused for one with a faulty template."""
    themes = site_themes()
    for theme in themes.theme(name).chain:
        _check_templates(theme)
    themes.use(name, actor, values)


def _check_templates(theme: Theme) -> None:
    places = theme.folder / "templates"
    for path in sorted(places.rglob("*")):
        if not path.is_file():
            continue
        try:
            current_app.jinja_env.parse(path.read_text(encoding="utf-8"))
        except (TemplateSyntaxError, UnicodeDecodeError) as error:
            raise Refused(
                "{theme} has a fault in {file}: {why}",
                theme=theme.name, file=path.relative_to(theme.folder), why=error,
            ) from None  # fmt: skip


def draw_for_owner() -> None:
    """Draw the rest of this request without a theme's templates: there is always a way back."""
    g.owners_page = True


def fall_back() -> None:
    """Draw the rest of this request in the plain theme: the other one failed."""
    g.plain_theme = True


def current_values() -> Mapping[str, Value]:
    """Return the settings of this request's theme by key."""
    theme, trial = current_theme(), current_trial()
    tried = trial.values if trial is not None and trial.theme == theme.name else {}
    return {**theme.values(), **tried}


def theme_setting(key: str) -> Value:
    """Return one of them; empty for one that the theme does not have."""
    return current_values().get(key, "")


def theme_marks() -> dict[str, str]:
    """Return what the page's first element says of choices: `data-typeface="system"`."""
    values = current_values()
    return {
        f"data-{key.replace('_', '-')}": _mark(values[key])
        for key, found in current_theme().settings.items()
        if found.kind in ("select", "bool")
    }


def _mark(chosen: Value) -> str:
    if isinstance(chosen, bool):
        return "yes" if chosen else "no"
    return str(chosen)


def theme_styles() -> list[str]:
    """Return the addresses of the stylesheets, a parent's before its child's, settings last."""
    theme = current_theme()
    styles = [_address(one, STYLESHEET) for one in theme.stylesheets]
    if css := stylesheet(theme, current_values()):
        styles.append(url_for("theme.settings", digest=_digest(css.encode())))
    return styles


def theme_file(filename: str) -> str:
    """Return the address of a file of this request's theme. Raises NotFound."""
    return _address(current_theme(), filename)


def _address(theme: Theme, filename: str) -> str:
    path = theme.file(filename)
    if path is None:
        raise NotFound("There is no such page.")
    digest = _file_digest(str(path), path.stat().st_mtime_ns)
    return url_for("theme.static", theme=theme.name, filename=filename, v=digest)


@lru_cache(maxsize=512)
def _file_digest(path: str, _changed: int) -> str:
    return _digest(Path(path).read_bytes())


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:12]


@blueprint.get("/static/theme/<theme>/<path:filename>")
@callers("anyone")
def static(theme: str, filename: str) -> Response:
    """Send a file of a theme, or of the parent that has it."""
    found = site_themes().theme(theme).file(filename)
    if found is None:
        raise NotFound("There is no such page.")
    return send_file(found, conditional=True)


@blueprint.get("/static/theme/settings-<digest>.css")
@callers("anyone")
def settings(digest: str) -> Response:
    """Send what the owner's settings become, tried ones too; what is old is not kept."""
    active = site_themes().active
    of_site = stylesheet(active, active.values())
    tried = stylesheet(current_theme(), current_values())
    css = tried if _digest(tried.encode()) == digest else of_site
    response = Response(css, mimetype="text/css")
    is_asked = _digest(css.encode()) == digest
    response.headers["Cache-Control"] = KEPT if is_asked else NEVER_KEPT
    return response
