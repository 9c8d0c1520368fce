"""Every name that a plugin may import, and nothing else."""

from core.access import Access, Gate, decide
from core.audit import record as record_event
from core.checkout import (
    AlreadyHeld,
    Choice,
    capture,
    charge_saved,
    choices_for,
    draft,
    keeper_for,
    keeper_name,
    keeps_methods,
    kept_for,
    owner_of,
    refund,
    release,
    site_mode,
    start_order,
    top_up_line,
    top_ups,
    what_remains,
)
from core.checkout import recipient as address_of
from core.checkout import refresh as refresh_payment
from core.checkout import send_to as keep_contact
from core.clock import now
from core.entitlements import Entitlement, holds_any
from core.entitlements import of_holders as given_to
from core.errors import BadInput, Conflict, Forged, NotFound, OboloError, Refused, Unavailable
from core.figures import Moved
from core.figures import history as history_of
from core.figures import spare as spare_of
from core.hookspecs import hookimpl
from core.hosts import check_mode, is_public_host
from core.http import HttpUnknown, HttpUnreachable
from core.ledger import Leg
from core.limits import neighbourhood
from core.mail import Message
from core.mail import send as send_mail
from core.money import Money, share
from core.orders import Grant, Line, Offer, Order, Question, is_ordered, times_sold
from core.orders import find as order_of
from core.payments import (
    Action,
    Cancel,
    Capture,
    ChargeSaved,
    Facts,
    Forget,
    Hint,
    Inbound,
    Inline,
    Instructions,
    Intent,
    Kind,
    Movement,
    Payment,
    Provider,
    ProviderRefused,
    ProviderUnknown,
    Quote,
    Redirect,
    Refund,
    Settled,
    State,
    StatementLine,
    Status,
    Step,
)
from core.payments.methods import Method
from core.payments.methods import of_holders as saved_methods
from core.people import Reader, current_reader, give_holder, reader_of
from core.people.tokens import SPEND, Token
from core.people.tokens import of_user as tokens_of
from core.people.users import holders_of, name_of
from core.plugins import (
    API_VERSION,
    Embed,
    Field,
    Health,
    MachineRequest,
    Periodic,
    Query,
    Refusal,
    ResourceCard,
    Toll,
    card_of,
    data_folder,
    embeds,
    fields_of,
)
from core.plugins.reaching import request as http_request
from core.settings import save as save_setting
from core.settings import site_currency, value
from core.storage import (
    EncryptedText,
    InstantField,
    JSONField,
    Model,
    Recent,
    SealedColumn,
    Shredded,
    StoredFile,
    after_commit,
    execute,
    insert,
    instant,
    is_postgres,
    lock_name,
    micros,
    new_id,
    transaction,
)
from core.storage.files import delete as delete_file
from core.storage.files import keep as keep_file
from core.tasks import enqueue
from core.web.addresses import local_path
from core.web.admin.listing import Asked, Filter, show_list
from core.web.admin.setup import end_setup, setup_page
from core.web.admin.shell import admin_page
from core.web.callers import callers
from core.web.checkout import allow_door, order_and_pay
from core.web.counting import count_view
from core.web.files import send_stored
from core.web.keeping import kept_page
from core.web.languages import use_language
from core.web.rendering import drafted, draw_embed, gettext, ngettext
from core.web.returning import way_back
from core.web.tolls import answer_machine
from core.web.wanting import wants_json

__all__ = [
    "API_VERSION",
    "SPEND",
    "Access",
    "Action",
    "AlreadyHeld",
    "Asked",
    "BadInput",
    "Cancel",
    "Capture",
    "ChargeSaved",
    "Choice",
    "Conflict",
    "Embed",
    "EncryptedText",
    "Entitlement",
    "Facts",
    "Field",
    "Filter",
    "Forged",
    "Forget",
    "Gate",
    "Grant",
    "Health",
    "Hint",
    "HttpUnknown",
    "HttpUnreachable",
    "Inbound",
    "Inline",
    "InstantField",
    "Instructions",
    "Intent",
    "JSONField",
    "Kind",
    "Leg",
    "Line",
    "MachineRequest",
    "Message",
    "Method",
    "Model",
    "Money",
    "Moved",
    "Movement",
    "NotFound",
    "OboloError",
    "Offer",
    "Order",
    "Payment",
    "Periodic",
    "Provider",
    "ProviderRefused",
    "ProviderUnknown",
    "Query",
    "Question",
    "Quote",
    "Reader",
    "Recent",
    "Redirect",
    "Refund",
    "Refusal",
    "Refused",
    "ResourceCard",
    "SealedColumn",
    "Settled",
    "Shredded",
    "State",
    "StatementLine",
    "Status",
    "Step",
    "StoredFile",
    "Token",
    "Toll",
    "Unavailable",
    "address_of",
    "admin_page",
    "after_commit",
    "allow_door",
    "answer_machine",
    "callers",
    "capture",
    "card_of",
    "charge_saved",
    "check_mode",
    "choices_for",
    "count_view",
    "current_reader",
    "data_folder",
    "decide",
    "delete_file",
    "draft",
    "drafted",
    "draw_embed",
    "embeds",
    "end_setup",
    "enqueue",
    "execute",
    "fields_of",
    "gettext",
    "give_holder",
    "given_to",
    "history_of",
    "holders_of",
    "holds_any",
    "hookimpl",
    "http_request",
    "insert",
    "instant",
    "is_ordered",
    "is_postgres",
    "is_public_host",
    "keep_contact",
    "keep_file",
    "keeper_for",
    "keeper_name",
    "keeps_methods",
    "kept_for",
    "kept_page",
    "local_path",
    "lock_name",
    "micros",
    "name_of",
    "neighbourhood",
    "new_id",
    "ngettext",
    "now",
    "order_and_pay",
    "order_of",
    "owner_of",
    "reader_of",
    "record_event",
    "refresh_payment",
    "refund",
    "release",
    "save_setting",
    "saved_methods",
    "send_mail",
    "send_stored",
    "setup_page",
    "share",
    "show_list",
    "site_currency",
    "site_mode",
    "spare_of",
    "start_order",
    "times_sold",
    "tokens_of",
    "top_up_line",
    "top_ups",
    "transaction",
    "use_language",
    "value",
    "wants_json",
    "way_back",
    "what_remains",
]
