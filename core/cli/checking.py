"""`obolo plugins check`: what is wrong with a plugin, read without running any of its code."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import core
from core.errors import OboloError
from core.plugins import Manifest, deprecations, read_manifest
from core.plugins.catalogues import untranslated
from core.plugins.loader import BUNDLED

LONGEST_FILE = 400
MOST_BYTES = 5 * 1024 * 1024
LANGUAGES = ("en", "it")
APART = ("tests", "__pycache__")
MAKES = re.compile(
    r"CREATE (?:UNIQUE )?(?:VIRTUAL )?(?:TABLE|INDEX) (?:IF NOT EXISTS )?\"?(\w+)", re.IGNORECASE
)
INLINE = re.compile(r"<style|\sstyle=|\son[a-z]+=|<script(?![^>]*\ssrc=)", re.IGNORECASE)
ELSEWHERE = re.compile(
    r"""<(?:script|link|img|iframe|form)[^>]*?\s(?:src|href|action)=["']((?:https?:)?//[^/"'\s]+)""",
    re.IGNORECASE,
)
SAFE = re.compile(r"\|\s*safe\b|autoescape\s+false")
ORIGIN = re.compile(r"https?://[a-z0-9.*-]+(?::(?:[0-9]+|\*))?")
HOST = re.compile(r"[a-z0-9.-]+(?::[0-9]+)?|setting:[a-z][a-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to mend, or with `is_wrong` false only to know, and where."""

    place: str
    sentence: str
    is_wrong: bool = True


def check(folder: Path) -> list[Finding]:
    """Return what is to be said about the plugin in a folder."""
    try:
        manifest = read_manifest(folder)
    except OboloError as error:
        return [Finding("plugin.toml", str(error))]
    return [finding for look in LOOKS for finding in look(folder, manifest)]


def _manifest(_folder: Path, manifest: Manifest) -> Iterator[Finding]:
    about = manifest.plugin
    for language in LANGUAGES:
        if language not in about.title or language not in about.description:
            yield Finding("plugin.toml", f"title and description are missing for “{language}”")
        for name, setting in manifest.settings.items():
            if language not in setting.label:
                yield Finding("plugin.toml", f"the setting {name} has no label for “{language}”")
    if not about.licence:
        yield Finding("plugin.toml", "it does not say under which licence it may be used")
    if "<" not in about.requires_api:
        yield Finding(
            "plugin.toml",
            f"requires_api “{about.requires_api}” has no end; write for example “>=1.0,<2”",
        )


def _files(folder: Path, _manifest: Manifest) -> Iterator[Finding]:
    readme = folder / "README.md"
    if not readme.exists() or not readme.read_text(encoding="utf-8").startswith("# "):
        yield Finding("README.md", "it should say what the plugin does, under a heading")
    if folder.parent != BUNDLED and not list(folder.glob("tests/test_*.py")):
        yield Finding("tests", "there are no tests")
    size = sum(path.stat().st_size for path in _own(folder, "*"))
    if size > MOST_BYTES:
        yield Finding(".", f"it has {size // 1024:,} KB; {MOST_BYTES // 1024:,} are the most")


def _code(folder: Path, _manifest: Manifest) -> Iterator[Finding]:
    for path in _own(folder, "*.py"):
        place, text = str(path.relative_to(folder)), path.read_text(encoding="utf-8")
        if len(text.splitlines()) > LONGEST_FILE:
            yield Finding(place, f"it has more than {LONGEST_FILE} lines", is_wrong=False)
        try:
            tree = ast.parse(text)
        except (SyntaxError, ValueError) as error:
            yield Finding(place, f"it cannot be read: {error}")
            continue
        if path.parent.name != "migrations":
            own = f"plugins.{folder.name}" if folder.parent == BUNDLED else ""
            yield from (Finding(f"{place}:{line}", why) for line, why in _imports(tree, own))


def _imports(tree: ast.Module, own: str) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for one in node.names:
                if one.name.split(".")[0] in ("core", "plugins"):
                    yield node.lineno, f"write “from core import ...”, not “import {one.name}”"
        elif isinstance(node, ast.ImportFrom) and not node.level:
            module = node.module or ""
            if module == "core":
                for name in sorted({one.name for one in node.names} - set(core.__all__)):
                    yield node.lineno, f"core does not offer {name}"
            elif module.startswith("core."):
                yield node.lineno, f"{module} is not for plugins; write “from core import ...”"
            elif module.startswith("plugins.") and ".".join(module.split(".")[:2]) != own:
                last = module.rpartition(".")[2]
                yield node.lineno, f"write “from .{last} import ...”; plugins know no other one"


def _tables(folder: Path, manifest: Manifest) -> Iterator[Finding]:
    steps = sorted(path.name for path in folder.glob("migrations/*.py"))
    if [name[:5] for name in steps] != [f"{n:04}_" for n in range(1, len(steps) + 1)]:
        yield Finding("migrations", "they are not numbered 0001_, 0002_ and so on")
    for name in steps:
        text = (folder / "migrations" / name).read_text(encoding="utf-8")
        for table in MAKES.findall(text):
            if not table.startswith(f"{manifest.name}_"):
                yield Finding(f"migrations/{name}", f"{table} does not start with {manifest.name}_")
        if "up" not in _functions(text):
            yield Finding(f"migrations/{name}", "it has no function “up(migrator, db)”")


def _functions(text: str) -> set[str]:
    try:
        return {one.name for one in ast.parse(text).body if isinstance(one, ast.FunctionDef)}
    except (SyntaxError, ValueError):
        return set()


def _touches(_folder: Path, manifest: Manifest) -> Iterator[Finding]:
    touches = manifest.touches
    for one in (*touches.scripts, *touches.frames, *touches.connects, *touches.redirects):
        if not ORIGIN.fullmatch(one):
            yield Finding(
                "plugin.toml", f"[touches] “{one}” is no origin, such as https://a.example"
            )
    for one in touches.hosts:
        if not HOST.fullmatch(one):
            yield Finding("plugin.toml", f"[touches] “{one}” is no host, such as api.example.com")


def _scripts(folder: Path, manifest: Manifest) -> Iterator[Finding]:
    declared = {one.src for one in manifest.scripts}
    there = {
        path.relative_to(folder / "static").as_posix() for path in folder.glob("static/**/*.js")
    }
    for src in sorted(there - declared):
        yield Finding(f"static/{src}", "[[scripts]] in plugin.toml does not say what it is for")
    for src in sorted(declared - there):
        origin = re.match("https://[^/]+", src)
        if origin is None:
            yield Finding("plugin.toml", f"[[scripts]] “{src}” is not below static/")
        elif origin[0] not in manifest.touches.scripts:
            yield Finding("plugin.toml", f"{origin[0]} is not declared under [touches] scripts")


def _pages(folder: Path, manifest: Manifest) -> Iterator[Finding]:
    touches = manifest.touches
    declared = (*touches.scripts, *touches.frames, *touches.redirects)
    for path in sorted(folder.glob("templates/**/*.html")):
        place, text = str(path.relative_to(folder)), path.read_text(encoding="utf-8")
        if path.relative_to(folder / "templates").parts[0] != manifest.name:
            yield Finding(place, f"templates stand in templates/{manifest.name}/")
        if INLINE.search(text):
            yield Finding(place, "the policy lets no style, script or handler stand in a page")
        if SAFE.search(text):
            yield Finding(place, "a template marks nothing as safe")
        for origin in ELSEWHERE.findall(text):
            if origin not in declared:
                yield Finding(place, f"{origin} is not declared under [touches] in plugin.toml")


def _words(folder: Path, _manifest: Manifest) -> Iterator[Finding]:
    try:
        for language in LANGUAGES[1:]:
            for path, words in untranslated(folder, language):
                yield Finding(str(path.relative_to(folder)), f"“{words}” has no “{language}”")
    except (SyntaxError, ValueError):
        return  # the code cannot be read, which is said already


def _deprecated(folder: Path, _manifest: Manifest) -> Iterator[Finding]:
    for one in deprecations.used_by(folder):
        yield Finding(".", str(one), is_wrong=False)


def _own(folder: Path, pattern: str) -> list[Path]:
    """Return the plugin's files that are no tests and were not made from others."""
    return [
        path
        for path in sorted(folder.rglob(pattern))
        if path.is_file() and not set(APART).intersection(path.relative_to(folder).parts)
    ]


LOOKS: tuple[Callable[[Path, Manifest], Iterator[Finding]], ...] = (
    _manifest, _files, _code, _tables, _touches, _scripts, _pages, _words, _deprecated,
)  # fmt: skip
