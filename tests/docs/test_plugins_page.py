"""docs/plugins.md writes a plugin from nothing, and what it writes works."""

from __future__ import annotations

import sys
from importlib.util import module_from_spec, spec_from_file_location

import pytest

from tests.docs.pages import ROOT, blocks

PAGE = ROOT / "docs" / "plugins.md"
FILES = {block.file: block.text for block in blocks(PAGE, "toml", "python", "html") if block.file}
TEST = "test_cookiejar.py"


@pytest.fixture
def folder(tmp_path):
    """Return the folder of plugins into which the page's blocks were put."""
    for name, text in FILES.items():
        path = tmp_path / "plugins" / "cookiejar" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    yield tmp_path / "plugins"
    sys.modules.pop("plugins.cookiejar", None)


def the_pages_test(folder):
    spec = spec_from_file_location("test_cookiejar", folder / "cookiejar" / TEST)
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_writes_every_file_that_it_draws():
    """The tree on the page and the blocks under it are the same files."""
    tree = next(block.text for block in blocks(PAGE, "text"))

    assert set(FILES) == {line.strip() for line in tree.splitlines()[1:]}


def test_a_tip_is_bought_over_http(make_site, folder):
    """The page's own test passes."""
    the_pages_test(folder).test_a_coin_is_paid_and_earned(make_site, folder)


def test_a_made_up_price_is_refused(make_site, folder):
    """The page's second test passes too."""
    the_pages_test(folder).test_no_other_amount_fits(make_site, folder)


def test_the_pages_tests_are_the_ones_that_run(folder):
    """A test that the page gains is run here as well."""
    names = [name for name in vars(the_pages_test(folder)) if name.startswith("test_")]

    assert sorted(names) == ["test_a_coin_is_paid_and_earned", "test_no_other_amount_fits"]


def test_the_jar_shows_its_coins_and_its_link(make_site, folder):
    """The navigation leads to the jar; its buttons say that they cost money."""
    client = make_site("cookiejar", plugin_folders=(str(folder),)).test_client()
    page = client.get("/x/cookiejar/", headers={"Accept-Language": "it"}).text

    assert '<a href="/x/cookiejar/">Jar</a>' in page
    assert page.count('name="coin"') == 2
