"""Who may import whom, and who alone may write the books."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import core
from tests.architecture.tree import ROOT, name_of, parsed, sources

PLANTED = {
    "stack": ("core/money.py", "import core.storage"),
    "no-plugin": ("core/app.py", "import plugins.tipjar"),
    "public": ("plugins/tipjar/jar.py", "from core.ledger import post"),
    "strangers": ("plugins/tipjar/jar.py", "import plugins.paywall"),
    "no-flask": ("core/orders/lines.py", "import flask"),
}
"""For each contract a line that it must refuse, and the file that gets it."""


def lint_imports(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Check the contracts over the packages in a folder."""
    program = str(Path(sys.executable).with_name("lint-imports"))
    return subprocess.run(
        [program, "--no-cache", *options],
        cwd=folder, env={"PYTHONPATH": str(folder)}, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def pristine(tmp_path_factory):
    """Copy what the contracts are about."""
    folder = tmp_path_factory.mktemp("house") / "copy"
    for package in ("core", "plugins"):
        shutil.copytree(
            ROOT / package, folder / package,
            ignore=shutil.ignore_patterns("__pycache__", "static", "templates", "translations"),
        )  # fmt: skip
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


@pytest.fixture
def copy(pristine, tmp_path):
    return Path(shutil.copytree(pristine, tmp_path / "copy"))


def test_every_contract_holds(pristine):
    """Core is a stack, knows no plugin, and plugins know its front door only."""
    done = lint_imports(pristine)

    assert done.returncode == 0, done.stdout
    assert f"{len(PLANTED)} kept, 0 broken" in done.stdout


@pytest.mark.parametrize("contract", PLANTED)
def test_a_planted_violation_breaks_its_contract(copy, contract):
    """A contract that nothing can break would guard nothing."""
    name, line = PLANTED[contract]
    with (copy / name).open("a") as file:
        file.write(f"\n{line}\n")
    done = lint_imports(copy, "--contract", contract)

    assert done.returncode == 1, done.stdout + done.stderr
    assert "0 kept, 1 broken" in done.stdout


def test_a_module_without_a_row_breaks_the_stack(copy):
    """Whoever adds a module says where in the house it stands."""
    (copy / "core" / "misc.py").write_text('"""Stray."""\n')
    done = lint_imports(copy, "--contract", "stack")

    assert done.returncode == 1
    assert "core.misc" in done.stdout


def imports(path: Path) -> Iterator[tuple[str, str | None]]:
    """Yield what a file imports: module, and name where it names one."""
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            yield from ((alias.name, None) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (("." * node.level + (node.module or ""), one.name) for one in node.names)


@pytest.mark.parametrize("path", sources("plugins"), ids=name_of)
def test_a_plugin_takes_only_what_core_offers(path):
    """One way in: `from core import <a name in core.__all__>`."""
    for module, name in imports(path):
        if module.split(".")[0] == "core":
            assert module == "core", f"{module} is not a plugin's to import"
            assert name in core.__all__, f"core does not offer {name}"


WRITERS = {
    "core.ledger.post",
    "core.entitlements.grant",
    "core.entitlements.set_states",
    "core.orders.store",
    "core.orders.mark",
    "core.payments.records.store",
    "core.payments.records.save",
    "core.payments.records.attach",
    "core.payments.records.own",
    "core.payments.records.store_refund",
    "core.payments.records.mark_refund",
    "core.payments.records.set_hold",
    "core.payments.methods.keep",
}
"""What writes entries, entitlements, orders and payments."""


def names(tree: ast.Module, module: str) -> dict[str, str]:
    """Return what each imported or own name of a module stands for."""
    known: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            known |= {one.asname or one.name: f"{node.module}.{one.name}" for one in node.names}
        elif isinstance(node, ast.Import):
            for one in node.names:  # `import core.ledger` binds `core`
                package = one.name.partition(".")[0]
                known[one.asname or package] = one.name if one.asname else package
    own = {node.name: f"{module}.{node.name}" for node in tree.body if hasattr(node, "name")}
    return known | own


def called(path: Path) -> set[str]:
    """Return the full names of what a file calls or passes on."""
    return loaded(parsed(path), name_of(path).removesuffix(".py").replace("/", "."))


def loaded(tree: ast.Module, module: str) -> set[str]:
    """Return the full names that a module's code loads."""
    known = names(tree, module)
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Load):
            first, _, rest = ast.unparse(node).partition(".")
            whole = f"{known.get(first, first)}.{rest}" if rest else known.get(first, first)
            found.add(whole.replace("core.orders.records.", "core.orders."))
    return found


def test_only_checkout_writes_the_way_of_the_money():
    """No other part of core, and no plugin, posts, grants or stores an order or a payment."""
    callers = {
        name_of(path)
        for path in sources("core", "plugins")
        if called(path) & WRITERS and not name_of(path).startswith("core/checkout/")
    }
    inside = {path for path in callers if path.endswith("/records.py")}

    assert callers - inside == set()
    assert inside <= {"core/orders/records.py", "core/payments/records.py"}


@pytest.mark.parametrize("code", [
    "from core.ledger import post\npost()",
    "from core.ledger import post as write\nrun(write)",
    "from core import ledger\nledger.post()",
    "from core import ledger as books\nbooks.post()",
    "import core\ncore.ledger.post()",
    "import core.ledger\ncore.ledger.post()",
])  # fmt: skip
def test_a_planted_call_is_seen(code):
    """However the name was imported, and also where it is only passed on."""
    assert "core.ledger.post" in loaded(ast.parse(code), "core.reconcile")


def test_the_writers_exist_and_checkout_uses_each():
    """A writer that was renamed would slip through the rule above."""
    used = set().union(*(called(path) for path in sources("core/checkout")))

    assert used >= WRITERS


OWNERS = {
    "ledger": {"core/ledger.py"},
    "entitlements": {"core/entitlements.py"},
    "orders": {"core/orders/records.py"},
    "payments": {
        "core/payments/records.py",
        "core/payments/inbox.py",
        "core/payments/methods.py",
        "core/payments/lines.py",
    },
}
WRITING = re.compile(r"(?:INSERT INTO|UPDATE|DELETE FROM|REPLACE INTO) \"?([a-z]+)_[a-z]+")


def written(path: Path) -> set[str]:
    """Return the first words of the tables that a file writes, by SQL or by `insert`."""
    found = set()
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            found |= set(WRITING.findall(node.value))
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("insert") and node.args:
            found.add(str(getattr(node.args[0], "value", "")).partition("_")[0])
    return found


@pytest.mark.parametrize("table", OWNERS)
def test_a_table_of_the_money_is_written_by_its_owner_only(table):
    """SQL text would be a way round the rule above."""
    writers = {name_of(path) for path in sources("core", "plugins") if table in written(path)}

    assert {one for one in writers if "migrations" not in one} == OWNERS[table]
