"""The people's pages keep nobody out, fit every screen, and say what is wrong."""

from __future__ import annotations

import pytest

from tests.paths.conftest import people_site
from tests.paths.people import somebody
from tests.paths.people_walk import walk
from tests.paths.test_accessibility import violations
from tools.screenshots import SIZES

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("people pages")]
SMALL = """() => [...document.querySelectorAll(
  'button, .btn, summary, label.choice, select, .site a, .ways a, .list a, .kicker a, '
  + 'input:not([type=hidden], [type=checkbox])'
)].filter((one) => one.checkVisibility() && one.getBoundingClientRect().height < 43.9)
  .map((one) => one.outerHTML)"""
OUTLINE = """() => {
  const heads = [...document.querySelectorAll('h1, h2, h3')].map((one) => Number(one.tagName[1]));
  const wrong = [];
  if (heads.filter((level) => level === 1).length !== 1) wrong.push(`h1: ${heads}`);
  if (heads.some((level, at) => at && level > heads[at - 1] + 1)) wrong.push(`skips: ${heads}`);
  const ids = [...document.querySelectorAll('[id]')].map((one) => one.id);
  if (new Set(ids).size !== ids.length) wrong.push(`ids: ${ids}`);
  if (!document.title.startsWith(document.querySelector('h1').textContent.trim()))
    wrong.push(document.title);
  for (const one of document.querySelectorAll('[tabindex]'))
    if (one.tabIndex > 0) wrong.push(one.outerHTML);
  for (const one of document.querySelectorAll('[aria-describedby]'))
    for (const id of one.getAttribute('aria-describedby').split(' '))
      if (!document.getElementById(id)) wrong.push(`describes nothing: ${one.outerHTML}`);
  return wrong;
}"""
UNSAID = """() => {
  const alerts = [...document.querySelectorAll('[role=alert]')].filter((one) => !one.hidden);
  const wrong = document.querySelectorAll('[aria-invalid=true]');
  const first = document.activeElement;
  if (!alerts.length) return ['no alert'];
  if (!wrong.length) return ['no field is called wrong'];
  if (first.getAttribute('aria-invalid') !== 'true') return [`focus is on ${first.outerHTML}`];
  return [];
}"""


def page_faults(page, name):
    wrong = [*page.evaluate(OUTLINE), *(page.evaluate(UNSAID) if "wrong" in name else [])]
    wrong += violations(page)
    for width in (320, 390, 640):
        page.set_viewport_size({"width": width, "height": 844})
        if (real := page.evaluate("document.documentElement.scrollWidth")) > width:
            wrong.append(f"{real} wide at {width}")
    page.set_viewport_size(SIZES["phone"])
    wrong += [f"small: {one}" for one in page.evaluate(SMALL)]
    page.set_viewport_size(SIZES["desktop"])
    return wrong


@pytest.mark.parametrize("language", ["it", "en"])
def test_no_page_of_people_has_a_fault(browser, tmp_path, language):
    """All pages, wrong turns included: axe in both schemes and sizes, outline, width, targets."""
    said = []
    with (
        people_site(tmp_path / "instance") as site,
        somebody(browser, site, "desktop", language) as owner,
        somebody(browser, site, "desktop", language) as reader,
    ):
        for one in (owner, reader):
            one.page.on("console", lambda line: said.append((line.type, line.text)))
        found = {name: page_faults(one.page, name) for name, one in walk(owner, reader)}
        languages = {one.page.locator("html").get_attribute("lang") for one in (owner, reader)}

    assert len(found) >= 50
    assert {name: wrong for name, wrong in found.items() if wrong} == {}
    assert languages == {language}
    assert [text for kind, text in said if kind == "error" and "status of 4" not in text] == []


def test_the_faults_are_found_where_there_are_some(browser, site):
    """The test can fail: a second h1, a wide table, a small button, an error that nobody hears."""
    with somebody(browser, site, "desktop") as one:
        one.opens("/sign-in")
        one.page.evaluate(
            "document.querySelector('main').insertAdjacentHTML('beforeend', '<h1>Two</h1>');"
            "document.querySelector('main h1').style.width = '2000px';"
            "document.querySelector('.primary').style.minHeight = '20px'"
        )
        found = "\n".join(page_faults(one.page, "wrong"))

    for fault in ("h1: 1,1", "wide at 320", "small: <button", "no alert"):
        assert fault in found
