"""obolo playmoney pay, dispute, decide."""

from __future__ import annotations

import pytest

from plugins.playmoney.bank import Bank, Wish

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def run(make_site, monkeypatch, tmp_path):
    """Return what runs a command, the bank, and a payment that was begun there."""
    app = make_site("playmoney")
    bank = Bank(tmp_path / "bank.db")
    monkeypatch.setattr("plugins.playmoney.commands.local_bank", lambda: bank)
    ref = bank.begin(Wish(
        payee="site", key="k", reference="pay_1", minor=500, currency="EUR", description="A post",
        return_url="http://localhost/",
    )).ref  # fmt: skip
    runner = app.test_cli_runner()
    return lambda *words: runner.invoke(args=["playmoney", *words]), bank, ref


def test_what_people_do_can_be_typed(run):
    """A wrong amount, a dispute, its end; a second end is refused."""
    obolo, bank, ref = run
    done = [
        obolo("pay", ref, "pay", "--instead", "450"),
        obolo("dispute", ref),
        obolo("decide", ref, "lost"),
    ]
    again = obolo("decide", ref, "won")

    assert [one.exit_code for one in done] == [0, 0, 0], [one.output for one in done]
    report = bank.report(ref)
    assert report.charge.minor == 450
    assert [(one.minor, one.verdict) for one in report.disputes] == [(450, "lost")]
    assert "There is no open dispute." in str(again.exception)


def test_a_bank_elsewhere_is_asked_there(run, monkeypatch):
    """Its rooms are not this site's."""
    obolo, _, ref = run
    monkeypatch.setenv("OBOLO_PLAYMONEY__BANK_URL", "http://127.0.0.1:9")

    assert "runs elsewhere" in str(obolo("dispute", ref).exception)
