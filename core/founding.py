"""What the owner of a new site says once: its language, its currency; and how far that got."""

from __future__ import annotations

from collections.abc import Iterable

from babel import Locale
from babel.numbers import get_currency_name

from core import settings
from core.config import Config
from core.settings import Setting
from core.storage import execute

LANGUAGE, CURRENCY, SETUP = "site.language", "site.currency", "admin.setup"
STEPS = ("site", "you", "look", "pay", "post")
DONE = "done"
CURRENCIES = (
    "EUR", "USD", "GBP", "CHF", "SEK", "NOK", "DKK", "PLN", "CZK", "RON", "HUF", "CAD", "AUD",
    "JPY",
)  # fmt: skip
"""What may be chosen in a browser; `obolo.toml` can name any other."""


def declare(config: Config) -> None:
    """Make these settings known, and the currency what the owner chose; asked for each new app.

    What `obolo.toml` says counts until the owner chooses. A currency with an entry is the only one
    that can be chosen.
    """
    settings.declare([
        Setting(
            name=LANGUAGE, kind="select", default=config.language,
            label={"en": "Language", "it": "Lingua"},
            help={
                "en": "For readers whose browser asks for none, and for new posts.",
                "it": "Per chi non ne chiede una con il suo browser, e per gli articoli nuovi.",
            },
            choices={one: _both(_language_name(one)) for one in config.languages},
        ),
        _currency((*CURRENCIES, config.currency), config.currency),
        Setting(
            name=SETUP, kind="select", choices={one: {} for one in (*STEPS, DONE)},
            label={"en": "Where the set-up goes on", "it": "Dove prosegue la configurazione"},
        ),
    ])  # fmt: skip
    currency = str(settings.value(CURRENCY))
    if has_entries():
        settings.declare([_currency((currency,), currency)])
    settings.set_site_currency(currency)


def _currency(codes: Iterable[str], default: str) -> Setting:
    return Setting(
        name=CURRENCY, kind="select", default=default,
        label={"en": "Currency", "it": "Valuta"},
        help={
            "en": "For all prices. The first sale fixes it for ever.",
            "it": "Per tutti i prezzi. La prima vendita la fissa per sempre.",
        },
        choices={
            one: {at: f"{one} · {get_currency_name(one, locale=at)}" for at in ("en", "it")}
            for one in dict.fromkeys(codes)
        },
    )  # fmt: skip


def _language_name(code: str) -> str:
    return str(Locale.parse(code).get_display_name(code) or code).capitalize()


def _both(text: str) -> dict[str, str]:
    return {"en": text}


def has_entries() -> bool:
    """Tell whether anything was ever booked; from then on the currency stays."""
    return execute("SELECT 1 FROM ledger_entry LIMIT 1").fetchone() is not None


def language(config: Config) -> str:
    """Return the site's language: the owner's choice, where the site still has it."""
    chosen = str(settings.value(LANGUAGE))
    return chosen if chosen in config.languages else config.language


def reached() -> str:
    """Return the step of the set-up with which it goes on, or `done`."""
    return str(settings.value(SETUP))


def is_past(step: str) -> bool:
    """Tell whether a step was saved or skipped."""
    order = (*STEPS, DONE)
    return order.index(reached()) > order.index(step)


def after(step: str) -> str:
    """Return the step after one, or `done`."""
    return (*STEPS, DONE)[STEPS.index(step) + 1]


def pass_step(step: str, actor: str) -> str:
    """Note that a step was saved or skipped; return the next one, or `done`. Nothing is undone."""
    if not is_past(step):
        settings.save(SETUP, after(step), actor)
    return after(step)


def is_under_way() -> bool:
    """Tell whether the set-up was begun, is not done, and was not put away."""
    return reached() not in (STEPS[0], DONE) and bool(settings.value("admin.checklist"))
