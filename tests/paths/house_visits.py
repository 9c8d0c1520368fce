"""How the owner's own rooms are visited: plugins and their wishes, settings, themes, team."""

from __future__ import annotations

from core.plugins import enabled
from tests.paths import cast
from tests.paths.cast import Person
from tests.paths.visits import MADE_UP, Ask, Visit, form, of

SEE_OTHER = (303,)
NOTHING = {"foreign": lambda _: of(name="nothing")}


def on(_: Person) -> Ask:
    """Name a plugin that is on."""
    enabled.enable("tipjar", actor="test")
    return of(name="tipjar")


def off(_: Person) -> Ask:
    """Take one off the list that is off, and keep what it has."""
    enabled.disable("tipjar", actor="test")
    return Ask({"name": "tipjar"}, {"data": "keep"})


HOUSE: dict[str, Visit] = {
    "wallet.set_low": Visit(SEE_OTHER, own=lambda _: form(then="tell", below="1")),
    "stripe.keep_keys": Visit((422,), own=lambda _: form(secret="sk", publishable="pk")),
    "stripe.make_webhook": Visit((422,), own=lambda _: form()),
    "stripe.register_domain": Visit((422,), own=lambda _: form()),
    "stripe.domain_file": Visit((404,)),
    "stripe.static": Visit(own=lambda _: of(filename="express.js")),
    "admin_plugins.one": Visit(own=lambda _: of(name="tipjar"), **NOTHING),
    "admin_plugins.switch_on": Visit(SEE_OTHER, own=lambda _: of(name="tipjar"), **NOTHING),
    "admin_plugins.switch_off": Visit(SEE_OTHER, own=on, **NOTHING),
    "admin_plugins.move": Visit(SEE_OTHER, own=on, refused=(403,), **NOTHING),
    "admin_plugins.save": Visit(SEE_OTHER, own=lambda _: of(name="tipjar"), **NOTHING),
    "admin_plugins.check": Visit(
        SEE_OTHER, own=lambda _: of(name="playmoney"), refused=(403,), **NOTHING
    ),
    "admin_plugins.export": Visit(own=lambda _: of(name="tipjar"), **NOTHING),
    "admin_plugins.uninstall": Visit(SEE_OTHER, own=off, **NOTHING),
    "admin_themes.edit": Visit(
        own=lambda _: of(name="quaderno"), foreign=lambda _: of(name="absent")
    ),
    "admin_themes.change": Visit(
        SEE_OTHER,
        own=lambda _: Ask({"name": "foglio"}, {"accent": "#0f5f57", "typeface": "sans"}),
        foreign=lambda _: Ask({"name": "absent"}),
    ),
    "admin_themes.use": Visit(
        SEE_OTHER, own=lambda _: form(theme="quaderno"), foreign=lambda _: form(theme="absent")
    ),
    "admin_themes.undo": Visit((400,)),
    "admin_themes.leave": Visit(SEE_OTHER),
    "team.invite": Visit(own=lambda _: form(email=cast.new_email(), role="author")),
    "team.change": Visit(
        SEE_OTHER,
        own=lambda _: Ask({"id": cast.new_user().id}, {"role": "author"}),
        foreign=lambda p: Ask({"id": p.holder or MADE_UP}, {"role": "owner"}),
        refused=(400,),
    ),
    "admin_jobs.again": Visit(
        SEE_OTHER,
        own=lambda p: Ask({"kind": "payment"}, {"id": cast.waiting_payment(p)}),
        foreign=lambda _: Ask({"kind": "payment"}, {"id": MADE_UP}),
        refused=(409,),
    ),
    "admin_health.accept_script": Visit((409,), own=lambda _: form(name="core/absent.js:0")),
    "admin_health.change": Visit(
        SEE_OTHER,
        own=lambda _: form(key="loss:", reason="Until there are balances"),
        foreign=lambda _: form(key="loss:"),
        refused=(422,),
    ),
    "admin_backups.make": Visit(SEE_OTHER),
    "admin_backups.download": Visit(
        own=lambda _: form(name=cast.backup_made(), sure="yes"),
        foreign=lambda _: form(name="obolo-20000101T000000Z.tar.gz", sure="yes"),
    ),
    "admin_setup.step": Visit(own=lambda _: of(name="you"), foreign=lambda _: of(name="nothing")),
    "admin_setup.save": Visit(
        SEE_OTHER,
        own=lambda _: Ask({"name": "post"}, {"act": "skip"}),
        foreign=lambda _: of(name="nothing"),
    ),
    "admin_settings.save": Visit(
        SEE_OTHER,
        own=lambda _: Ask({"group": "checkout"}, {"checkout.allow_loss": "on"}),
        foreign=lambda _: of(group="nothing"),
    ),
}
