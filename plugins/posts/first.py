"""The last step of the set-up: a first post, written beforehand, at a price that can be tried."""

from __future__ import annotations

from typing import Any

from flask import Response, current_app, redirect, request, url_for
from flask_babel import force_locale

from core import (
    Field,
    Money,
    callers,
    current_reader,
    end_setup,
    fields_of,
    gettext,
    setup_page,
    site_currency,
)
from plugins.posts import editing, publishing
from plugins.posts.editing import Typed
from plugins.posts.mistakes import Mistake, mistake_of
from plugins.posts.previews import words_for
from plugins.posts.site import pages

PRICE, PRICE_MINOR = "price", 20
"""The field of a plugin that closes texts; and 0.20, where a currency has cents."""
FREE_ENDS = "<!-- more -->"


@pages.get("/admin/posts/first")
@callers("settings.change")
def first() -> Response:
    """Show a post that could be published as it is."""
    language = _language()
    with force_locale(language):
        typed = {
            "title": gettext("My first post"),
            "free": gettext("This part everybody reads. Say here why the rest is worth its price."),
            "paid": gettext("This part opens with one payment. Put your own words in its place."),
        }
    price = Money(PRICE_MINOR, site_currency())
    written = _price()
    shown = editing.shown_value(written, str(price), current_reader().language) if written else ""
    return _drawn({**typed, "price": shown})


def _language() -> str:
    return str(current_app.extensions["obolo_languages"][0])


def _price() -> Field | None:
    return next((one for one in fields_of("post") if one.name == PRICE), None)


def _drawn(typed: Typed, mistakes: list[Mistake] | None = None) -> Response:
    language = current_reader().language
    return setup_page(
        "posts/admin/first.html", 422 if mistakes else 200, typed=typed, language=_language(),
        has_price=_price() is not None, **words_for(mistakes or (), "post", language),
    )  # fmt: skip


@pages.post("/admin/posts/first")
@callers("settings.change")
def publish_first() -> Any:
    """Publish it, and lead to it on the site."""
    form = {key: request.form.get(key, "").strip() for key in ("title", "free", "paid", "price")}
    typed = _typed(form)
    if typed.get(f"field-{PRICE}-on") and not form["paid"]:
        return _drawn(form, [Mistake("paid", 1, "write here what opens for the price")])
    try:
        outcome = publishing.save(typed, None, current_reader())
    except publishing.Changed as error:
        return _drawn(form, [mistake_of(error, "slug", 1)])
    if outcome.mistakes:
        return _drawn(form, list(outcome.mistakes))
    end_setup()
    slug = editing.find(outcome.post_id).slug
    return redirect(url_for("posts.show", slug=slug, first=1), 303)


def _typed(form: Typed) -> dict[str, str]:
    """Return what the form says, as the editor would send it."""
    parts = [part.replace("\r\n", "\n") for part in (form["free"], form["paid"]) if part]
    typed = {
        "title": form["title"], "kind": "post", "state": "published", "language": _language(),
        "body": f"\n\n{FREE_ENDS}\n\n".join(parts),
    }  # fmt: skip
    if _price() is not None and form["price"]:
        typed |= {f"field-{PRICE}": form["price"], f"field-{PRICE}-on": "yes"}
    return typed
