"""The contracts of the kinds refuse a plugin that does not keep them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from core.cli.scaffolding import scaffold

ROOT = Path(__file__).parents[3]
BROKEN = {
    "embed": ("templates/NAME/note.html", '{{ text or _("Hello from the plugin Embed.") }}',
              "{{ text|safe }}", {"test_the_embed_escapes"}),
    "gate": ("__init__.py", "    if card is None or value", "    if card is not None or value",
             {"test_the_gate_is_shut", "test_the_gate_opens"}),
    "check": ("__init__.py", "order.total.minor <= most.minor", "order.total.minor >= 0",
              {"test_it_refuses_in_words"}),
    "page": ("migrations/0001_initial.py", "page_entry", "guests_entry",
             {"test_its_migrations_run_once"}),
    "provider": ("provider.py", 'raise ProviderUnknown("The provider did not answer: {why}"',
                 'raise ProviderRefused("The provider did not answer: {why}"',
                 {"test_trouble_is_unknown_and_asking_again_tells_the_truth"}),
}  # fmt: skip


def test_a_plugin_that_breaks_its_contract_is_told_which_rule(tmp_path):
    """One plugin of each kind with one line changed; the test that fails is the rule's."""
    for kind, (name, old, new, _) in BROKEN.items():
        scaffold(kind, kind, tmp_path / kind)
        path = tmp_path / kind / name.replace("NAME", kind)
        assert old in path.read_text(), path
        path.write_text(path.read_text().replace(old, new))
    tests = [tmp_path / kind / "tests" for kind in BROKEN]
    ended = subprocess.run(
        [
            sys.executable, "-m", "pytest", "-q", "--disable-plugin-autoload", "-p",
            "core.testing", "-p", "no:cacheprovider", "-c", os.devnull, "--rootdir", tmp_path,
            "--confcutdir", tests[0], "--import-mode", "importlib", "--tb=no",
            "-k", " or ".join(sorted(set().union(*(rules for *_, rules in BROKEN.values())))),
            *tests,
        ],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    failed = set(
        re.findall(r"^(?:FAILED|ERROR) .*test_(\w+)\.py::\w+::(\w+)", ended.stdout, re.MULTILINE)
    )

    assert ended.returncode == 1, ended.stdout[-2000:]
    for kind, (*_, rules) in BROKEN.items():
        assert {rule for plugin, rule in failed if plugin == kind} & rules, (kind, ended.stdout)
