"""Card numbers never come to this site: who types one into a form is told so, and it is dropped.

They are typed at the provider only, so that the site stays within the shortest questionnaire of
PCI DSS, SAQ A.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from core.errors import BadInput

OWN = frozenset({"csrf", "inline", "offer", "provider", "resource", "return_to", "save"})
"""Fields that the site writes itself; what stands there is no text of a person."""
DIGITS = re.compile(r"(?<!\w)[0-9](?:[ .-]?[0-9]){12,18}(?!\w)")
"""13 to 19 digits, perhaps in groups (ISO/IEC 7812-1)."""


def refuse_card_numbers(form: Mapping[str, str]) -> None:
    """Raise BadInput, which repeats nothing, when a field of a form holds a card number."""
    if any(holds_card_number(text) for name, text in form.items() if name not in OWN):
        raise BadInput(
            "This looks like the number of a card. Never write one here: it is asked for on the "
            "page of the bank only. Nothing of it was kept."
        )


def holds_card_number(text: str) -> bool:
    """Tell whether 13 to 19 digits of a text end in the check digit of a card number."""
    return any(_passes_luhn(re.sub("[^0-9]", "", found)) for found in DIGITS.findall(text))


def _passes_luhn(digits: str) -> bool:
    doubled = (int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(digits)))
    return sum(one - 9 if one > 9 else one for one in doubled) % 10 == 0
