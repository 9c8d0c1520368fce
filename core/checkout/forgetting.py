"""Have providers forget the methods that their readers took away; asked again until it is known."""

from __future__ import annotations

import logging

from core import audit
from core.errors import OboloError
from core.payments import Forget, ProviderRefused, methods, records
from core.payments.methods import Method
from core.plugins import catalogue
from core.storage import transaction

log = logging.getLogger("obolo.checkout")


def forget_methods() -> int:
    """Tell the providers what to forget; return how much waits for the next time."""
    return sum(not _forget(method, token) for method, token in methods.unwanted())


def _forget(method: Method, token: str) -> bool:
    provider = catalogue.providers.get(method.provider)
    if provider is None:
        return False
    known = True
    try:
        provider.act(records.find(method.payment), Forget(token), f"{method.id}:forget")
    except ProviderRefused as error:
        log.warning("provider %s does not forget method %s: %s", provider.name, method.id, error)
        known = False
    except OboloError as error:
        log.warning("method %s is not forgotten yet: %s", method.id, error)
        return False
    with transaction():
        methods.drop(method.id)
        audit.record("method.forget", actor=provider.name, subject=method.id, done=known)
    return True
