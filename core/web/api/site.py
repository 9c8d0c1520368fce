"""Resources, people, settings and plugins, for machines."""

from __future__ import annotations

import re

from flask import Response, url_for

from core import access, cursors, settings
from core.access import Access
from core.cursors import BETWEEN
from core.errors import NotFound, Refused
from core.people import current_reader, users
from core.plugins import Query, card_of, catalogue, each, enabled
from core.web.api import drawing
from core.web.api.money import page_of
from core.web.api.operations import mode, operation, written
from core.web.api.shapes import (
    Me,
    OpenResource,
    Page,
    Paged,
    Plugin,
    Resource,
    ResourcesAsked,
    Setting,
    SettingWanted,
    User,
)
from core.web.bearer import TokenNeeded, current_bearer
from core.web.tolls import answer_machine

PLACE = re.compile(r"[0-9]{1,5}")
MOST_NEW = 100
"""So many may be published between two pages of a list, and it still goes on where it was."""


@operation("GET", "/me", "anyone", Me, refusals={401: "There is no token, or it does not count."})
def show_me() -> Me:
    """Show whom the token speaks for, and what it may do now."""
    bearer = current_bearer()
    if bearer is None:
        raise TokenNeeded("This needs a personal token: Authorization: Bearer obl_live_…")
    return Me(
        user=bearer.user, mode=bearer.mode, scopes=sorted(bearer.scopes), expires=bearer.expires
    )


@operation("GET", "/resources", "anyone", Page[Resource], query=ResourcesAsked)
def list_resources(asked: ResourcesAsked) -> Page[Resource]:
    """List what the site has to read, hear or see, as its plugins show it."""
    before, last = _place(asked.after)
    query = Query(
        words=asked.words, kind=asked.kind, tag=asked.tag, language=asked.language,
        limit=before + MOST_NEW + asked.limit + 1,
    )  # fmt: skip
    cards = [card for _plugin, some in each("list_resources", query=query) for card in some]
    names = [card.resource for card in cards]
    stayed = names[before - 1 : before] == [last] or last not in names
    first = before if stayed else names.index(last) + 1
    shown = cards[first : first + asked.limit]
    more = len(cards) > first + asked.limit
    return Page(
        data=[drawing.resource(card) for card in shown],
        next=f"{first + len(shown)}{BETWEEN}{shown[-1].resource}" if more else None,
    )


def _place(after: str) -> tuple[int, str]:
    """Read a cursor: how many cards came before, and the last of them, by which it goes on.

    Plugins list from the start and know no cursor; what was published since shifts nothing.
    """
    number, _, last = after.partition(BETWEEN)
    return (int(number), last) if PLACE.fullmatch(number) else (0, "")


@operation(
    "GET", "/resources/<id>", "anyone", OpenResource, refusals={
        402: "It is closed to this reader; the offers say what opens it.",
        404: "There is no such resource.",
    },
)  # fmt: skip
def show_resource(id: str) -> Response:
    """Show a resource that this reader may open; one that is closed answers 402 with its offers."""
    card = card_of(id)
    if card is None:
        raise NotFound("There is no such resource.")
    drawn = drawing.resource(card)

    def draw(access: Access) -> Response:
        return written(OpenResource(**drawing.fields(drawn), open=True, held=access.held))

    return answer_machine(
        id, access.decide(id, current_reader()), draw, url=url_for("api.show_resource", id=id),
        title=card.title, more={"resource": drawing.plain(drawn)},
    )  # fmt: skip


@operation("GET", "/users", "people.view", Page[User], query=Paged)
def list_users(asked: Paged) -> Page[User]:
    """List users, newest first."""
    found = cursors.page_of_users(after=asked.after, limit=asked.limit + 1)
    return page_of(found, asked.limit, drawing.user, lambda one: one.id)


@operation("GET", "/users/<id>", "people.view", User, refusals={404: "There is no such user."})
def show_user(id: str) -> User:
    """Show a user."""
    found = users.find(id)
    if found.state == "erased":
        raise NotFound("There is no such user.")
    return drawing.user(found)


@operation("GET", "/settings", "settings.change", Page[Setting])
def list_settings() -> Page[Setting]:
    """List all settings; of secrets only whether they are set."""
    return Page(data=[drawing.setting(one) for one in settings.declared()])


NO_SETTING = {404: "There is no such setting."}


@operation("GET", "/settings/<name>", "settings.change", Setting, refusals=NO_SETTING)
def show_setting(name: str) -> Setting:
    """Show a setting."""
    return drawing.setting(settings.setting(name))


@operation(
    "PUT", "/settings/<name>", "settings.change", Setting, takes=SettingWanted,
    refusals=NO_SETTING,
)  # fmt: skip
def save_setting(name: str, body: SettingWanted) -> Setting:
    """Give a setting another value; a secret is kept sealed and never told again."""
    wanted = settings.setting(name)
    refuse_test_token()
    settings.save(name, body.value, actor=current_reader().holder)
    return drawing.setting(wanted)


def refuse_test_token() -> None:
    """Refuse a token of test money that would change the site itself."""
    if mode() == "test":
        raise Refused("A test token changes nothing but test money.")


@operation("GET", "/plugins", "plugins.manage", Page[Plugin])
def list_plugins() -> Page[Plugin]:
    """List the plugins that were ever on, in the order in which they are asked."""
    return Page(data=[_plugin(one) for one in enabled.entries()])


def _plugin(entry: enabled.Entry) -> Plugin:
    manifest, language = catalogue.manifests.get(entry.name), current_reader().language
    title = manifest.plugin.title if manifest else {}
    failed = catalogue.failed.get(entry.name, "")
    return Plugin(
        name=entry.name, title=title.get(language) or title.get("en", entry.name),
        version=manifest.plugin.version if manifest else "",
        state="failed" if failed and entry.state == "enabled" else entry.state,
        reason=entry.reason or failed,
    )  # fmt: skip
