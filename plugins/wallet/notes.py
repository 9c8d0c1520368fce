"""What the site's pages say of a balance: how much it is, and that it is low."""

from __future__ import annotations

from flask import render_template
from markupsafe import Markup

from core import current_reader, value
from plugins.wallet.statement import balance_of


def drawn(slot: str) -> Markup | None:
    """Draw a piece for a reader who has a balance; nothing for everybody else."""
    if slot not in ("nav", "post.after"):
        return None
    reader = current_reader()
    if not reader.holder:
        return None
    balance = balance_of(reader)
    if balance.minor <= 0:
        return None
    if slot == "nav":
        return _page("wallet/nav.html", balance)
    return _page("wallet/low.html", balance) if balance.minor < value("wallet.low_at") else None


def _page(template: str, balance: object) -> Markup:
    return Markup(render_template(template, balance=balance))  # noqa: S704 - a template escapes
