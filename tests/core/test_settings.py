"""What an owner changes while the site runs."""

from __future__ import annotations

import json

import msgspec
import pytest

from core import audit, settings
from core.config import ConfigError
from core.errors import NotFound, Refused
from core.settings import Setting
from core.storage import execute, transaction


@pytest.fixture(autouse=True)
def clean(monkeypatch):
    monkeypatch.setattr(settings, "_declared", dict(settings._declared))
    settings.reload()
    yield
    settings.reload()


def declare(kind: str, **options) -> None:
    settings.declare([Setting(name="jar.it", kind=kind, **options)])


def test_the_order_is_default_saved_environment(db, monkeypatch):
    """The default holds until the owner saves, and the environment stands above both."""
    assert settings.value("checkout.allow_loss") is False

    settings.save("checkout.allow_loss", True, "usr_1")
    assert settings.value("checkout.allow_loss") is True

    monkeypatch.setenv("OBOLO_CHECKOUT__ALLOW_LOSS", "false")
    assert settings.value("checkout.allow_loss") is False


def test_the_environment_locks(db, monkeypatch):
    """What the environment fixes cannot be saved, and the refusal names the variable."""
    monkeypatch.setenv("OBOLO_SITE__NAME", "From outside")

    assert settings.locked("site.name")
    assert not settings.locked("site.tagline")
    with pytest.raises(Refused, match="OBOLO_SITE__NAME"):
        settings.save("site.name", "Mine", "usr_1")
    assert settings.value("site.name") == "From outside"


def test_a_wrong_variable_fails_closed(db, monkeypatch):
    """A value of the environment that the setting cannot have is an error, never the default."""
    monkeypatch.setenv("OBOLO_CHECKOUT__ORDER_MINUTES", "soon")

    with pytest.raises(ConfigError, match="OBOLO_CHECKOUT__ORDER_MINUTES"):
        settings.value("checkout.order_minutes")


def test_saving_leaves_one_line_in_the_audit_log(db):
    """Who changed what, from what to what, in the same transaction."""
    settings.save("site.name", "One", "usr_1")
    settings.save("site.name", "Two", "usr_2")

    newest, oldest = audit.events(action="settings.save")
    assert (newest.actor, newest.subject) == ("usr_2", "site.name")
    assert newest.data == {"before": "One", "after": "Two"}
    assert oldest.data == {"before": None, "after": "One"}


def test_a_rolled_back_change_is_forgotten(db):
    """A process never remembers what was not committed."""
    settings.save("site.name", "One", "usr_1")

    def roll_back():
        with transaction():
            settings.save("site.name", "Two", "usr_1")
            settings.reload()
            assert settings.value("site.name") == "Two"
            raise RuntimeError

    with pytest.raises(RuntimeError):
        roll_back()

    assert settings.value("site.name") == "One"
    assert settings.generation("settings") == 1
    assert len(audit.events()) == 1


def test_a_refused_value_changes_nothing(db):
    """No row, no line in the log, no new generation."""
    with pytest.raises(Refused):
        settings.save("checkout.order_minutes", 1, "usr_1")

    assert settings.generation("settings") == 0
    assert audit.events() == []
    assert settings.value("checkout.order_minutes") == 60


def test_other_processes_see_a_change_within_a_second(db, monkeypatch):
    """The generation is asked at most once a second, and the values only when it moved."""
    clock = [100.0]
    monkeypatch.setattr(settings.time, "monotonic", lambda: clock[0])
    loads = []
    real = settings._load_values
    monkeypatch.setattr(settings, "_load_values", lambda: loads.append(1) or real())
    assert settings.value("site.tagline") == ""

    execute(
        "INSERT INTO settings_value (name, value, changed) VALUES (?, ?, 0)",
        ["site.tagline", json.dumps("from another process")],
    )
    settings.bump("settings")
    clock[0] += 0.9
    assert settings.value("site.tagline") == ""
    clock[0] += 0.2
    assert settings.value("site.tagline") == "from another process"
    clock[0] += 5
    settings.value("site.tagline")
    assert len(loads) == 2


def test_generations_are_counted_apart(db):
    """The list of plugins has a generation of its own."""
    settings.bump("plugins")
    settings.bump("plugins")

    assert settings.generation("plugins") == 2
    assert settings.generation("settings") == 0


def test_a_secret_is_stored_sealed(db, monkeypatch):
    """Neither the database nor the audit log shows it; the environment stands above it."""
    declare("secret", label={"en": "Key"})

    assert settings.setting("jar.it").secret
    assert settings.value("jar.it") == ""
    settings.save("jar.it", "sk_live_1", "usr_1")
    assert settings.value("jar.it") == "sk_live_1"
    rows = execute("SELECT * FROM settings_value").fetchall()
    assert "sk_live_1" not in repr(rows)
    (event,) = audit.events(limit=1)
    assert event.data == {"before": None, "after": "(secret)"}

    monkeypatch.setenv("OBOLO_JAR__IT", "sk_live_2")
    assert settings.value("jar.it") == "sk_live_2"


def test_a_new_secret_takes_the_place_of_the_old_one(db):
    """The next reader has it, in this transaction or after it."""
    declare("secret")
    settings.save("jar.it", "one", "usr_1")
    with transaction():
        settings.save("jar.it", "two", "usr_1")
        assert settings.value("jar.it") == "two"

    assert settings.value("jar.it") == "two"


def test_a_stored_secret_is_not_read(db):
    """A row that somebody put there by hand is no secret of ours."""
    declare("secret")
    execute("INSERT INTO settings_value (name, value, changed) VALUES ('jar.it', '\"planted\"', 0)")
    settings.reload()

    assert settings.value("jar.it") == ""


@pytest.mark.parametrize(
    ("kind", "options", "good", "bad"),
    [
        ("text", {"least": 1, "most": 3}, ["a", "è€x"], ["", "abcd", "a\nb", "a\x00", 1, True]),
        ("longtext", {}, ["", "a\nb\r\nc"], ["x" * 20_001, "\x1b[0m"]),
        ("bool", {}, [True, False], [1, 0, "true", None]),
        ("int", {"least": 1, "most": 3}, [1, 3], [0, 4, "2", True, 2.0]),
        ("money", {"least": 5}, [5, 2_000], [4, -5, "0.20", 0.2, 10**16]),
        ("select", {"choices": {"a": {"en": "A"}, "b": {}}}, ["a", "b"], ["c", "", 1]),
        ("color", {}, ["#1a7f5a", ""], ["1a7f5a", "#FFF", "#1a7f5a;}", "red"]),
        (
            "url",
            {},
            ["https://a.example/x?y=1", "http://127.0.0.1:8000/", ""],
            [
                "javascript:alert(1)",
                "//a.example",
                "https://",
                "https://a b",
                "http://[",
                "ftp://x",
            ],
        ),
        (
            "image",
            {},
            ["/static/a.png", ""],
            ["//a.example/x.png", "/\\a.example", "https://a.example/x.png", "a.png", "/a b"],
        ),
    ],
)
def test_a_value_is_checked_by_kind_and_bounds(db, kind, options, good, bad):
    """What is outside of the declaration is refused with a sentence, and nothing is stored."""
    declare(kind, **{"default": good[0], **options})

    for value in good:
        settings.save("jar.it", value, "usr_1")
        assert settings.value("jar.it") == value
        assert type(settings.value("jar.it")) is type(value)
    for value in bad:
        with pytest.raises(Refused) as caught:
            settings.save("jar.it", value, "usr_1")
        assert str(caught.value).endswith(".")
    assert settings.value("jar.it") == good[-1]


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("bool", "Yes", True),
        ("bool", "0", False),
        ("int", "-7", -7),
        ("money", "20", 20),
        ("text", "20", "20"),
    ],
)
def test_a_text_is_read_by_kind(kind, text, value):
    """Variables and command lines give texts; the kind says what they mean."""
    read = settings.from_text(Setting(name="a.b", kind=kind), text)

    assert (read, type(read)) == (value, type(value))


@pytest.mark.parametrize(
    ("kind", "text"), [("bool", "maybe"), ("int", "1.5"), ("money", "0,20"), ("int", "٣")]
)
def test_a_text_that_means_nothing_is_refused(kind, text):
    """Digits are ASCII, amounts are minor units, and a bool is one of eight words."""
    with pytest.raises(Refused):
        settings.from_text(Setting(name="a.b", kind=kind), text)


def test_an_unknown_setting_is_not_found(db):
    """A name that nobody declared is an error for reader and writer alike."""
    with pytest.raises(NotFound):
        settings.value("jar.nothing")
    with pytest.raises(NotFound):
        settings.save("jar.nothing", "x", "usr_1")


@pytest.mark.parametrize(
    "wrong",
    [
        Setting(name="price", kind="money"),
        Setting(name="Jar.price", kind="money"),
        Setting(name="jar.a__b", kind="money"),
        Setting(name="jar.mode", kind="select"),
        Setting(name="jar.price", kind="money", default=3, least=5),
        Setting(name="jar.price", kind="money", default="0.20"),
        Setting(name="jar.key", kind="secret", default="x"),
    ],
)
def test_a_wrong_declaration_is_refused(wrong):
    """No plugin in the name, no choices in a select, a default out of bounds: the author's bug."""
    with pytest.raises(ValueError):
        settings.declare([wrong])

    assert wrong not in settings.declared()


def test_a_setting_is_written_in_a_manifest():
    """`[settings.price]` of a `plugin.toml` is a Setting; a misspelt word in it is an error."""
    text = """
    [price]
    type = "money"
    label = {en = "Price", it = "Prezzo"}
    default = 20
    min = 5
    """
    found = msgspec.toml.decode(text, type=dict[str, Setting])["price"]

    assert (found.kind, found.default, found.least) == ("money", 20, 5)
    assert found.label["it"] == "Prezzo"
    with pytest.raises(msgspec.ValidationError, match="minimum"):
        msgspec.toml.decode(text.replace("min =", "minimum ="), type=dict[str, Setting])


def test_cores_own_settings_speak_both_languages_and_take_defaults_of_the_config():
    """Each of core's settings has a label in English and Italian."""
    for setting in settings.core_settings():
        assert set(setting.label) == {"en", "it"}

    named = {setting.name: setting for setting in settings.core_settings("Foglio", "me@x.example")}
    assert named["site.name"].initial == "Foglio"
    assert named["site.owner_email"].initial == "me@x.example"
    assert named["checkout.order_minutes"].initial == 60
