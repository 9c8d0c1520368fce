"""Ask providers what became of what is open, settle the inbox, compare accounts with the books."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

from core import checkout, orders
from core.errors import OboloError
from core.money import Money
from core.payments import Hint, Provider, inbox, lines, records
from core.payments.lines import Difference
from core.plugins import catalogue
from core.settings import site_currency
from core.storage import transaction

log = logging.getLogger("obolo.reconcile")


def reconcile(at: datetime) -> int:
    """Do all that is due at an instant; return how many payments, deliveries and orders it was.

    One that fails is logged and tried again later; it does not stop the others.
    """
    done = [_try("delivery", partial(_settle, name, hint)) for name, hint in inbox.due(at)]
    done += [_try("order", partial(checkout.expire, id, at)) for id in orders.expired(at)]
    done += [_try("payment", partial(checkout.refresh, id)) for id in records.due(at)]
    return sum(done)


def explain_yesterday(at: datetime) -> int:
    """Explain the day before an instant for each provider that tells its account.

    Returns how many differences there are; a provider that did not answer is one.
    """
    tells = [one for one in catalogue.providers.values() if "statement" in one.can]
    return sum(_explain(provider, at - timedelta(days=1)) for provider in tells)


def _explain(provider: Provider, at: datetime) -> int:
    try:
        return len(checkout.explain(provider, at.date()))
    except OboloError as error:
        log.warning("the account of %s is not explained: %s", provider.name, error)
        silent = Difference(
            provider.name, at.date(), provider.name, "silent", Money(0, site_currency())
        )
        with transaction():
            lines.put_differences(provider.name, at.date(), [silent])
        return 1


def _try(what: str, act: Callable[[], object]) -> bool:
    try:
        act()
    except OboloError as error:
        log.warning("a %s waits: %s", what, error)
        return False
    except Exception:
        log.exception("a %s could not be reconciled", what)
        return False
    return True


def _settle(provider_name: str, hint: Hint) -> None:
    """Settle one delivery; what goes wrong is kept with it."""
    try:
        checkout.hear(_enabled(provider_name), hint)
    except Exception as error:
        with transaction():
            inbox.failed(provider_name, hint.event, str(error))
        raise


def _enabled(name: str) -> Provider:
    provider = catalogue.providers.get(name)
    if provider is None:
        raise OboloError("provider {name} is off", name=name)
    return provider
