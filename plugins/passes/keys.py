"""The keys that passes and bundles give, and what they open: posts that are sold."""

from __future__ import annotations

from datetime import timedelta

from core import Recent, card_of

POSTS = "post:"
"""What can be read singly; a session or a campaign costs what it costs."""
PASSES = "passes:"
ALL, TAG = f"{PASSES}all", f"{PASSES}tag:"
_OPENING: Recent[str, frozenset[str]] = Recent()


def key_of(tag: str) -> str:
    """Return the key of all posts under a tag, or of all posts."""
    return TAG + tag.casefold() if tag else ALL


def tag_of(key: str) -> str:
    """Return the tag whose posts a key opens; nothing for any other key."""
    return key.removeprefix(TAG) if key.startswith(TAG) else ""


def is_pass(key: str) -> bool:
    """Tell whether a key opens many posts."""
    return key.startswith(PASSES)


def opens_singly(key: str, lasts: timedelta | None) -> bool:
    """Tell whether a key opens one post, for ever."""
    return lasts is None and key.startswith(POSTS)


def tags_of(resource: str) -> frozenset[str]:
    """Return the tags of a post in small letters, as they were within the last second."""
    return frozenset(filter(None, map(tag_of, opening(resource))))


def opening(resource: str) -> frozenset[str]:
    """Return the keys of passes and bundles that open a post.

    Every page of a holder needs them, since who bought a tag keeps it whatever is sold now; so they
    are remembered for a second, as the post itself is.
    """
    return _OPENING.get(resource, lambda: _asked(resource)) or frozenset((ALL,))


def _asked(resource: str) -> frozenset[str] | None:
    card = card_of(resource)
    return None if card is None else frozenset((ALL, *map(key_of, filter(None, card.tags))))
