"""Errors that mean something to a person. Bugs are not in this family; they crash."""

from __future__ import annotations


class OboloError(Exception):
    """Base of every error that a page or a problem document can show.

    The message is for the reader: English, and the key under which its translation is found;
    `values` fill its {braces} after that. `status` is the HTTP status that goes with it. `code`
    is a word for programs that tell this refusal from others; it stays when the message changes.
    """

    status = 500
    code = ""

    def __init__(self, message: str, **values: object) -> None:
        self.message = message
        self.values = values
        super().__init__(message.format(**values) if values else message)


class Refused(OboloError):
    """A rule or a plugin said no, and nothing was changed."""

    status = 403


class NotFound(OboloError):
    """There is no such thing, or it is not this reader's to see."""

    status = 404


class BadInput(OboloError):
    """What was sent cannot be understood; the message says what to correct."""

    status = 400


class Conflict(OboloError):
    """The thing is no longer in a state that allows this."""

    status = 409


class Forged(OboloError):
    """A message was not signed by the provider it claims to come from."""

    status = 400


class Unavailable(OboloError):
    """Something that is needed does not answer; trying again later is safe."""

    status = 503


def in_words(error: BaseException) -> str:
    """Return an error's type and message; a stranger's error may fail even at saying what it is."""
    try:
        return f"{type(error).__name__}: {error}"
    except Exception:  # noqa: BLE001 - a stranger's code may raise anything
        return type(error).__name__


class PluginFailed(OboloError):
    """A plugin raised while its answer was needed; core stops rather than guess."""

    status = 503

    def __init__(self, plugin: str, hook: str, error: BaseException) -> None:
        super().__init__(f"plugin {plugin} failed in {hook}: {in_words(error)}")
        self.plugin = plugin
        self.hook = hook
