"""Tables and their constraints; no queries. Importing this package registers every table."""

from service.models.base import Base, TypeID, new_id
from service.models.cases import CASE_ACCOUNTS, CASE_TARGETS, CaseApproval, CaseLine, Confiscation
from service.models.changes import Amendment, ChangeRequest, ContractText
from service.models.chargebacks import Chargeback, ChargebackLine, FloatMovement, FraudWarning
from service.models.contracts import KINDS, RELATIONSHIPS, Acceptance, Contract, Milestone, Release, Submission
from service.models.disagreements import Dispute, DisputeOffer, Evidence, File, FileChunk, RefundRequest
from service.models.finance import ExportPiece, FinanceExport, PeriodClose, PspRow
from service.models.ledger import ChartAccount, ChartLine, JournalEntry, LedgerAccount, LedgerBalance, LedgerHead, LedgerSeal, Posting
from service.models.metrics import Feedback, PreCheck
from service.models.payments import Payment, PaymentLine, Refund, StripeEvent
from service.models.payouts import Payout, PayoutAccount, PayoutSource, StaffTask
from service.models.people import ApiKey, Client, ClientAlias, Freelancer
from service.models.platform import (
    ClientLink,
    ClientSession,
    CodeChallenge,
    EmailChange,
    Event,
    FormKey,
    IdempotencyRecord,
    Installation,
    Job,
    Message,
    SessionGrant,
)
from service.models.safety import DISCLOSURES, LEVELS, Appeal, Hold, HoldEffect, Requirement, Suspension
from service.models.staff import StaffLink, StaffSession

__all__ = [
    "CASE_ACCOUNTS",
    "CASE_TARGETS",
    "DISCLOSURES",
    "KINDS",
    "LEVELS",
    "RELATIONSHIPS",
    "Acceptance",
    "Amendment",
    "ApiKey",
    "Appeal",
    "Base",
    "CaseApproval",
    "CaseLine",
    "ChangeRequest",
    "Chargeback",
    "ChargebackLine",
    "ChartAccount",
    "ChartLine",
    "Client",
    "ClientAlias",
    "ClientLink",
    "ClientSession",
    "CodeChallenge",
    "Confiscation",
    "Contract",
    "ContractText",
    "Dispute",
    "DisputeOffer",
    "EmailChange",
    "Event",
    "Evidence",
    "ExportPiece",
    "Feedback",
    "File",
    "FileChunk",
    "FinanceExport",
    "FloatMovement",
    "FormKey",
    "FraudWarning",
    "Freelancer",
    "Hold",
    "HoldEffect",
    "IdempotencyRecord",
    "Installation",
    "Job",
    "JournalEntry",
    "LedgerAccount",
    "LedgerBalance",
    "LedgerHead",
    "LedgerSeal",
    "Message",
    "Milestone",
    "Payment",
    "PaymentLine",
    "Payout",
    "PayoutAccount",
    "PayoutSource",
    "PeriodClose",
    "Posting",
    "PreCheck",
    "PspRow",
    "Refund",
    "RefundRequest",
    "Release",
    "Requirement",
    "SessionGrant",
    "StaffLink",
    "StaffSession",
    "StaffTask",
    "StripeEvent",
    "Submission",
    "Suspension",
    "TypeID",
    "new_id",
]  # fmt: skip
