"""An order is a list of lines; a line says what it costs, which account earns it, what it opens."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Literal

from core.money import Money


@dataclass(frozen=True, slots=True)
class Grant:
    """A key that a line gives to the holder, for ever or for a time from the settling on."""

    key: str
    lasts: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """What one thing costs, the account that earns it, and what it opens.

    Core numbers lines from 1 in their order. A line that is `part_of` another one (tax, discount)
    follows it into a refund in proportion.
    """

    label: str
    amount: Money
    account: str
    grants: tuple[Grant, ...] = ()
    part_of: int | None = None
    tax_class: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    number: int = 0

    def __post_init__(self) -> None:
        """Refuse what is no line: a bug, so it asserts. What others see of it cannot be changed."""
        assert isinstance(self.amount, Money), self.amount
        object.__setattr__(self, "data", MappingProxyType(dict(self.data)))


@dataclass(frozen=True, slots=True)
class Offer:
    """Lines that sell a key; `key` tells the offers of one resource apart."""

    key: str
    title: str
    lines: tuple[Line, ...]

    @property
    def total(self) -> Money:
        """What its lines cost together, before plugins add theirs."""
        return Money.total((line.amount for line in self.lines), self.lines[0].amount.currency)


@dataclass(frozen=True, slots=True)
class Question:
    """What an order asks first; core draws it, and keeps text, answer and time as proof."""

    key: str
    kind: Literal["consent", "text", "choice"]
    text: str
    required: bool = True
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Order:
    """Lines that one holder buys at one time. Without an id it is a draft and stored nowhere.

    `state` is open, paid or closed. `mode` is live or test; `payment` names what settled it.
    """

    holder: str
    lines: tuple[Line, ...]
    currency: str
    return_to: str = "/"
    language: str = "en"
    id: str = ""
    state: str = "open"
    mode: str = "live"
    created: datetime | None = None
    expires: datetime | None = None
    payment: str | None = None
    answers: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    @property
    def total(self) -> Money:
        """What the reader pays: the sum of all lines."""
        return Money.total((line.amount for line in self.lines), self.currency)

    @property
    def is_held(self) -> bool:
        """Whether the money is only reserved at first: a line says so by `hold` in its data."""
        return any(line.data.get("hold") for line in self.lines)

    @property
    def offers_to_save(self) -> bool:
        """Whether the reader may keep their way to pay: a line says so by `save` in its data."""
        return any(line.data.get("save") for line in self.lines)

    def with_lines(self, lines: Iterable[Line]) -> Order:
        """Return the order with more lines, numbered on from its last."""
        start = len(self.lines) + 1
        return replace(
            self,
            lines=self.lines
            + tuple(replace(line, number=n) for n, line in enumerate(lines, start)),
        )

    def group(self, number: int) -> tuple[Line, ...]:
        """Return a line and the lines that are part of it."""
        return tuple(line for line in self.lines if number in (line.number, line.part_of))
