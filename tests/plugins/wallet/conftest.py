import pytest

from core.testing.trying import PlayMoney


@pytest.fixture
def bank():
    return PlayMoney()


@pytest.fixture
def playmoney_off():
    return None
