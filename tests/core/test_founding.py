"""What the owner of a new site says once."""

from __future__ import annotations

import pytest

from core import founding, settings
from core.errors import Refused
from core.storage import transaction
from tests.stand_in import sold


def test_what_is_configured_counts_until_the_owner_chooses(make_site):
    """Language and currency of `obolo.toml` stand in; the next app has what was chosen."""
    app = make_site(language="it", currency="CHF")
    assert app.extensions["obolo_languages"][0] == "it"
    assert settings.site_currency() == "CHF"

    settings.save(founding.LANGUAGE, "en", actor="test")
    settings.save(founding.CURRENCY, "USD", actor="test")
    app = make_site(language="it", currency="CHF")
    assert app.extensions["obolo_languages"][0] == "en"
    assert settings.site_currency() == "USD"
    assert make_site(languages=("it",), language="it").extensions["obolo_languages"] == ("it",)


def test_the_first_entry_fixes_the_currency(make_site, provider):
    """From then on there is nothing else to choose, at the command line neither."""
    sold(provider)
    make_site()

    assert founding.has_entries()
    with pytest.raises(Refused, match="Choose one of: EUR"):
        settings.save(founding.CURRENCY, "USD", actor="test")


def test_the_setup_goes_on_where_it_was_left(make_site):
    """Saved or skipped, a step is past; the last one ends it, and a list put away does as well."""
    make_site()
    assert (founding.reached(), founding.is_under_way()) == ("site", False)

    with transaction():
        assert [founding.pass_step(name, "test") for name in founding.STEPS[:2]] == ["you", "look"]
    assert founding.is_under_way()
    assert [name for name in founding.STEPS if founding.is_past(name)] == ["site", "you"]
    settings.save("admin.checklist", value=False, actor="test")
    assert not founding.is_under_way()
    settings.save("admin.checklist", value=True, actor="test")

    assert founding.pass_step("post", "test") == founding.DONE
    assert not founding.is_under_way()
