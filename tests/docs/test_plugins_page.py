"""docs/plugins.md writes a plugin from nothing, and what it writes works."""

from __future__ import annotations

import sys
from importlib.util import module_from_spec, spec_from_file_location

import pytest

from core import Gate
from core.plugins import catalogue
from core.storage.classes import faults
from tests.docs.pages import ROOT, blocks
from tests.stand_in import plugged

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
    for name in ("plugins.cookiejar", "plugins.cookiejar.models"):
        sys.modules.pop(name, None)


def the_pages_module(folder, name):
    spec = spec_from_file_location(name.removesuffix(".py"), folder / "cookiejar" / name)
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def the_pages_test(folder):
    return the_pages_module(folder, TEST)


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


def test_a_wish_is_sealed(make_site, folder):
    """The page's third test passes as well, and the doctor finds every column classed."""
    the_pages_test(folder).test_a_wish_is_a_secret(make_site, folder)

    columns = catalogue.manifests["cookiejar"].columns
    assert list(faults(columns, ("cookiejar_",))) == []


def test_the_pages_tests_are_the_ones_that_run(folder):
    """A test that the page gains is run here as well."""
    names = [name for name in vars(the_pages_test(folder)) if name.startswith("test_")]

    assert sorted(names) == [
        "test_a_coin_is_paid_and_earned",
        "test_a_wish_is_a_secret",
        "test_no_other_amount_fits",
    ]


def test_the_jar_shows_its_coins_and_its_link(make_site, folder):
    """The navigation leads to the jar; its buttons say that they cost money."""
    client = make_site("cookiejar", plugin_folders=(str(folder),)).test_client()
    page = client.get("/x/cookiejar/", headers={"Accept-Language": "it"}).text

    assert '<a href="/x/cookiejar/">Jar</a>' in page
    assert page.count('name="coin"') == 2


def test_the_recipe_is_kept_and_sent_to_who_may_open_it(make_site, folder):
    """A range of it too; to others not a byte."""
    recipe = the_pages_module(folder, "recipe.py")
    app = make_site()
    app.register_blueprint(recipe.pages)
    id = recipe.keep_recipe(b"flour, butter, sugar")
    client = app.test_client()
    part = client.get(f"/x/cookiejar/recipe/{id}", headers={"Range": "bytes=7-12"})
    with plugged(guard=lambda resource: Gate(frozenset({resource}))):
        shut = client.get(f"/x/cookiejar/recipe/{id}")

    assert (part.status_code, part.data) == (206, b"butter")
    assert "Biscotti della nonna.pdf" in part.headers["Content-Disposition"]
    assert shut.status_code == 403
    assert b"butter" not in shut.data
