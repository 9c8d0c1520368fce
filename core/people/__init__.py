"""People: who sends a request, what they sign in with, and what identifies a guest."""

from core.people.holders import current_signer
from core.people.readers import Reader, current_reader, give_holder, reader_of
from core.people.signed_in import current_session

__all__ = [
    "Reader", "current_reader", "current_session", "current_signer", "give_holder", "reader_of",
]  # fmt: skip
