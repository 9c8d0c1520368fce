"""People: who sends a request, and what identifies a guest."""

from core.people.holders import (
    Reader,
    current_reader,
    current_signer,
    give_holder,
)

__all__ = ["Reader", "current_reader", "current_signer", "give_holder"]
