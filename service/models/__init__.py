"""Tables and their constraints; no queries. Importing this package registers every table."""

from service.models.base import Base, TypeID, new_id
from service.models.contracts import KINDS, Acceptance, Contract, Milestone, Release, Submission
from service.models.ledger import ChartAccount, ChartLine, JournalEntry, LedgerAccount, LedgerBalance, LedgerHead, LedgerSeal, Posting
from service.models.payments import Payment, PaymentLine, Refund, StripeEvent
from service.models.payouts import Payout, PayoutAccount, PayoutSource, StaffTask
from service.models.people import ApiKey, Client, ClientAlias, Freelancer
from service.models.platform import (
    ClientLink,
    ClientSession,
    CodeChallenge,
    Event,
    FormKey,
    IdempotencyRecord,
    Installation,
    Job,
    Message,
    SessionGrant,
)

__all__ = [
    "KINDS", "Acceptance", "ApiKey", "Base", "ChartAccount", "ChartLine", "Client", "ClientAlias", "ClientLink", "ClientSession",
    "CodeChallenge", "Contract", "Event", "FormKey", "Freelancer", "IdempotencyRecord", "Installation", "Job",
    "JournalEntry", "LedgerAccount", "LedgerBalance", "LedgerHead", "LedgerSeal", "Message", "Milestone", "Payment", "PaymentLine",
    "Payout", "PayoutAccount", "PayoutSource", "Posting", "Refund", "Release", "SessionGrant", "StaffTask", "StripeEvent",
    "Submission", "TypeID", "new_id",
]  # fmt: skip
