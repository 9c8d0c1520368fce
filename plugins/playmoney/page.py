"""The page of a bank of its own, drawn without the site's layout."""

from __future__ import annotations

import gettext
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader

from core import Money
from plugins.playmoney.reports import Report

HERE = Path(__file__).parent


@cache
def _pages(language: str) -> Environment:
    pages = Environment(
        loader=FileSystemLoader(HERE / "templates"), autoescape=True, trim_blocks=True,
        lstrip_blocks=True, extensions=["jinja2.ext.i18n"],
    )  # fmt: skip
    words = gettext.translation(
        "messages", HERE / "translations", languages=[language], fallback=True
    )
    pages.install_gettext_translations(words, newstyle=True)  # type: ignore[attr-defined]
    return pages


def draw(report: Report) -> str:
    """Return the page where a person pays, in the payment's language."""
    language = report.language or "en"
    price = Money(report.minor, report.currency).format(language)
    return _pages(language).get_template("playmoney/bank.html").render(payment=report, price=price)
