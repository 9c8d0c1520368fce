"""What the site's pages say of a tab: what is on it, and that it can be settled."""

from __future__ import annotations

from collections.abc import Mapping

from flask import render_template
from markupsafe import Markup

from core import Money, card_of, current_reader, value
from plugins.tab import items
from plugins.tab.debts import owed_by


def drawn(slot: str, context: Mapping[str, object]) -> Markup | None:
    """Draw a piece for a reader who owes something; nothing for everybody else."""
    if slot not in ("nav", "post.after", "panel.after", "receipt.after"):
        return None
    reader = current_reader()
    owed = owed_by(reader) if reader.holders else None
    if not owed:
        return None
    cap = Money(value("tab.cap"), owed.currency)
    if slot == "nav":
        return _page("tab/nav.html", owed=owed)
    nearly_full = owed.minor * 4 >= cap.minor * 3
    if slot == "receipt.after":
        unpaid = {one.order for one in items.unpaid(items.movements(reader), owed)}
        return _page("tab/unpaid.html") if context["order"] in unpaid else None
    if slot == "post.after" and not nearly_full:
        return None
    card = card_of(str(context["resource"]))
    back = card.url if card else "/"
    return _page("tab/settle.html", owed=owed, cap=cap, nearly_full=nearly_full, back=back)


def _page(template: str, **context: object) -> Markup:
    return Markup(render_template(template, **context))  # noqa: S704 - a template escapes
