"""Who bought, and who came back."""

from __future__ import annotations

from core.figures import Buyers, buyers, last_days
from core.people import users
from tests.core.figures.conftest import NOON


def test_who_bought_before_or_twice_came_back(shop):
    """Once each, however often they came; whoever did not come within the days does not count."""
    shop.sell(40, who="ada")
    shop.sell(2, key="post:a", who="ada")
    shop.sell(1, key="post:a", who="bea")
    shop.sell(1, key="post:b", who="bea")
    shop.sell(0, who="cid")
    shop.sell(50, who="dan")

    assert buyers(last_days(7, NOON), mode="live") == Buyers(3, 2)
    assert buyers(last_days(7, NOON), mode="test") == Buyers(0, 0)


def test_a_user_and_the_guest_they_were_are_one(shop):
    """A claim ties them."""
    user = users.create(email="ada@example.org")
    users.claim(user.id, "gst_phone")
    users.claim(user.id, "gst_desk")
    shop.sell(20, key="post:a", who="phone")
    shop.sell(0, key="post:b", who="desk")

    assert buyers(last_days(7, NOON), mode="live") == Buyers(1, 1)
    assert buyers(last_days(7, NOON), mode="live").share == 1.0
