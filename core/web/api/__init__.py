"""The interface for machines, below /api/v1/; its description comes from the types it uses."""

from core.web.api import description, money, site, webhooks
from core.web.api.drawing import document_of_order
from core.web.api.operations import OPERATIONS, blueprint

__all__ = [
    "OPERATIONS",
    "blueprint",
    "description",
    "document_of_order",
    "money",
    "site",
    "webhooks",
]
