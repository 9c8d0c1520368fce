"""The page around every page of the administration."""

from __future__ import annotations

from typing import Any

from flask import Response, render_template, request

from core import founding
from core.people import current_reader, users
from core.web.admin.navigation import sections
from core.web.doors import private
from core.web.themes import draw_for_owner


def admin_page(template: str, status: int = 200, **context: Any) -> Response:
    """Draw a template that extends `admin/layout.html`; nothing on the way keeps the page."""
    draw_for_owner()
    found = sections()
    me = users.find(current_reader().holder)
    page = render_template(
        template, sections=found, section=next((one for one in found if one.current), None),
        signed_in_as=me.name or me.email, sets_up=_sets_up(), **context,
    )  # fmt: skip
    return private(page, status)


def _sets_up() -> bool:
    """Tell whether the page leads back to a set-up that was left."""
    if request.endpoint in ("admin_home.show", "admin.go"):
        return False
    return founding.is_under_way() and "settings.change" in current_reader().permissions
