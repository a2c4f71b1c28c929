"""Which moves every object with a state may make, who may make them, and what is then a fact.

States are facts; a hold is an overlay and never a state. `events.move` is the only caller of
`allowed_move`; PostgreSQL refuses any hop that `hops()` does not list (migration `0002`), so a
forgotten check cannot skip a state.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from service.domain.errors import StateConflict
from service.domain.states.names import (
    AmendmentState,
    AppealState,
    CaseState,
    ChargebackState,
    ContractState,
    DisputeState,
    HoldState,
    MilestoneState,
    PaymentState,
    PayoutAccountState,
    PayoutState,
    RefundRequestState,
    RefundState,
)

FREELANCER, CLIENT, STAFF, SYSTEM, PSP = "freelancer", "client", "staff", "system", "psp"
ANY = frozenset({FREELANCER, CLIENT, STAFF, SYSTEM, PSP})


@dataclass(frozen=True)
class Transition:
    """From one of `sources` to `target` on `event`; `actors` may cause it; `fact` is the event's
    public name.
    """

    event: str
    sources: tuple[str, ...]
    target: str
    actors: frozenset[str]
    fact: str


def _transition(event: str, sources: str, target: str, actors: str, fact: str) -> Transition:
    return Transition(event, tuple(sources.split()), target, frozenset(actors.split()), fact)


@dataclass(frozen=True)
class Machine:
    """One kind of object: its states (first is the initial one), which of them are final, and its
    moves.
    """

    name: str
    states: tuple[str, ...]
    final: frozenset[str]
    moves: tuple[Transition, ...]


CONTRACT = Machine(
    "contract",
    tuple(ContractState),
    frozenset(
        {
            ContractState.COMPLETED,
            ContractState.CANCELLED,
            ContractState.DECLINED,
            ContractState.WITHDRAWN,
            ContractState.EXPIRED,
        }
    ),
    (
        _transition("send", "draft", "sent", "freelancer", "contract.sent"),
        _transition(
            "withdraw",
            "draft sent change_requested",
            "withdrawn",
            "freelancer",
            "contract.withdrawn",
        ),
        _transition(
            "ask_change", "sent", "change_requested", "client", "contract.change_requested"
        ),
        _transition("revise", "sent change_requested", "sent", "freelancer", "contract.revised"),
        _transition(
            "refuse_change", "change_requested", "sent", "freelancer", "contract.change_refused"
        ),
        _transition("change_lapse", "change_requested", "sent", "system", "contract.change_lapsed"),
        _transition("decline", "sent change_requested", "declined", "client", "contract.declined"),
        _transition("expire", "sent change_requested", "expired", "system", "contract.expired"),
        _transition("accept", "sent", "accepted", "client", "contract.accepted"),
        _transition("carry_over", "draft", "accepted", "system", "contract.carried_over"),
        _transition("fund", "accepted", "active", "psp", "contract.activated"),
        _transition(
            "cancel", "accepted", "cancelled", "freelancer client system", "contract.cancelled"
        ),
        _transition("end", "active", "closing", "freelancer client system", "contract.closing"),
        _transition("close_empty", "active closing", "cancelled", "system", "contract.ended_empty"),
        _transition("complete", "active closing", "completed", "system", "contract.completed"),
    ),
)

_HOLDS_MONEY = "funded submitted changes_requested"

MILESTONE = Machine(
    "milestone",
    tuple(MilestoneState),
    frozenset(
        {
            MilestoneState.RELEASED,
            MilestoneState.REFUNDED,
            MilestoneState.CANCELLED,
            MilestoneState.SETTLED,
            MilestoneState.CONFISCATED,
            MilestoneState.CHARGED_BACK,
        }
    ),
    (
        _transition(
            "ask_funding",
            "planned",
            "awaiting_funding",
            "system client",
            "milestone.awaiting_funding",
        ),
        _transition(
            "funding_lapse", "awaiting_funding", "planned", "system", "milestone.funding_lapsed"
        ),
        _transition(
            "start_payment", "awaiting_funding", "funding", "client", "milestone.payment_started"
        ),
        _transition(
            "payment_ended",
            "funding",
            "awaiting_funding",
            "psp system client",
            "milestone.payment_ended",
        ),
        _transition(
            "fund", "funding awaiting_funding planned", "funded", "psp", "milestone.funded"
        ),
        _transition("submit", "funded", "submitted", "freelancer", "milestone.submitted"),
        _transition(
            "request_changes",
            "submitted",
            "changes_requested",
            "client",
            "milestone.changes_requested",
        ),
        _transition(
            "resubmit", "changes_requested", "submitted", "freelancer", "milestone.submitted"
        ),
        _transition("approve", "submitted", "approved", "client", "milestone.approved"),
        _transition("auto_approve", "submitted", "approved", "system", "milestone.auto_approved"),
        _transition(
            "release_early",
            "funded changes_requested",
            "approved",
            "client",
            "milestone.approved_early",
        ),
        _transition("release", "approved", "released", "system", "milestone.released"),
        _transition("release_part", "approved", "funded", "system", "milestone.partly_released"),
        _transition(
            "ask_refund",
            f"{_HOLDS_MONEY} approved",
            "refund_requested",
            "client system",
            "milestone.refund_requested",
        ),
        _transition(
            "refund",
            f"{_HOLDS_MONEY} refund_requested",
            "refunded",
            "freelancer client staff system",
            "milestone.refunded",
        ),
        _transition(
            "dispute",
            f"{_HOLDS_MONEY} refund_requested approved",
            "disputed",
            "freelancer client system psp",
            "milestone.disputed",
        ),
        _transition(
            "resume_funded",
            "refund_requested disputed",
            "funded",
            "freelancer client staff system psp",
            "milestone.resumed",
        ),
        _transition(
            "resume_submitted",
            "refund_requested disputed",
            "submitted",
            "freelancer client staff system psp",
            "milestone.resumed",
        ),
        _transition(
            "resume_changes",
            "refund_requested disputed",
            "changes_requested",
            "freelancer client staff system psp",
            "milestone.resumed",
        ),
        _transition("settle", "disputed", "settled", "system", "milestone.settled"),
        _transition(
            "charge_back",
            f"{_HOLDS_MONEY} refund_requested disputed",
            "charged_back",
            "psp",
            "milestone.charged_back",
        ),
        _transition(
            "confiscate",
            f"{_HOLDS_MONEY} refund_requested",
            "confiscated",
            "system",
            "milestone.confiscated",
        ),
        _transition(
            "cancel",
            "planned awaiting_funding funding",
            "cancelled",
            "system",
            "milestone.cancelled",
        ),
    ),
)

PAYMENT = Machine(
    "payment",
    tuple(PaymentState),
    frozenset({PaymentState.REFUNDED, PaymentState.LOST}),
    (
        _transition(
            "require_action", "created", "requires_action", "psp", "payment.requires_action"
        ),
        _transition(
            "process", "created requires_action", "processing", "psp", "payment.processing"
        ),
        # Late money is real money: success is accepted from every unfinished or ended state and
        # then judged.
        _transition(
            "succeed",
            "created requires_action processing failed canceled expired",
            "succeeded",
            "psp",
            "payment.succeeded",
        ),
        _transition(
            "fail", "created requires_action processing", "failed", "psp", "payment.failed"
        ),
        _transition(
            "cancel", "created requires_action", "canceled", "client system psp", "payment.canceled"
        ),
        _transition(
            "expire", "created requires_action", "expired", "psp system", "payment.expired"
        ),
        _transition(
            "refund", "succeeded partially_refunded won", "refunded", "psp", "payment.refunded"
        ),
        _transition(
            "refund_part",
            "succeeded won",
            "partially_refunded",
            "psp",
            "payment.partially_refunded",
        ),
        _transition(
            "refund_failed",
            "refunded partially_refunded",
            "succeeded",
            "psp",
            "payment.refund_failed",
        ),
        _transition(
            "refund_part_failed", "refunded", "partially_refunded", "psp", "payment.refund_failed"
        ),
        _transition(
            "charge_back",
            "succeeded partially_refunded refunded won",
            "charged_back",
            "psp",
            "payment.charged_back",
        ),
        _transition("win", "charged_back", "won", "psp", "payment.chargeback_won"),
        _transition("lose", "charged_back", "lost", "psp", "payment.chargeback_lost"),
    ),
)

REFUND = Machine(
    "refund",
    tuple(RefundState),
    frozenset({RefundState.CANCELED, RefundState.FAILED}),
    (
        _transition(
            "require_action", "pending", "requires_action", "psp", "refund.requires_action"
        ),
        _transition("succeed", "pending requires_action", "succeeded", "psp", "refund.succeeded"),
        _transition("fail", "pending requires_action succeeded", "failed", "psp", "refund.failed"),
        _transition(
            "cancel", "pending requires_action", "canceled", "psp system", "refund.canceled"
        ),
    ),
)

PAYOUT = Machine(
    "payout",
    tuple(PayoutState),
    frozenset({PayoutState.FAILED, PayoutState.CANCELED, PayoutState.REVERSED}),
    (
        _transition("send", "requested", "in_transit", "system", "payout.in_transit"),
        _transition("arrive", "in_transit", "paid", "psp", "payout.paid"),
        _transition("hold", "requested", "held", "system", "payout.held"),
        _transition("resume", "held", "requested", "system", "payout.resumed"),
        _transition(
            "fail", "requested held in_transit paid", "failed", "psp system", "payout.failed"
        ),
        _transition(
            "cancel", "requested held", "canceled", "freelancer staff system", "payout.canceled"
        ),
    ),
)

PAYOUT_ACCOUNT = Machine(
    "payout_account",
    tuple(PayoutAccountState),
    frozenset({PayoutAccountState.CLOSED}),
    (
        _transition(
            "activate", "onboarding restricted", "active", "psp", "payout_account.activated"
        ),
        _transition(
            "restrict", "onboarding active", "restricted", "psp", "payout_account.restricted"
        ),
        _transition(
            "close", "onboarding active restricted", "closed", "psp", "payout_account.closed"
        ),
    ),
)

AMENDMENT = Machine(
    "amendment",
    tuple(AmendmentState),
    frozenset(
        {
            AmendmentState.ACCEPTED,
            AmendmentState.REJECTED,
            AmendmentState.WITHDRAWN,
            AmendmentState.EXPIRED,
        }
    ),
    (
        _transition("accept", "proposed", "accepted", "freelancer client", "amendment.accepted"),
        _transition("reject", "proposed", "rejected", "freelancer client", "amendment.rejected"),
        _transition(
            "withdraw", "proposed", "withdrawn", "freelancer client system", "amendment.withdrawn"
        ),
        _transition("expire", "proposed", "expired", "system", "amendment.expired"),
    ),
)

REFUND_REQUEST = Machine(
    "refund_request",
    tuple(RefundRequestState),
    frozenset(
        {
            RefundRequestState.AGREED,
            RefundRequestState.REFUSED,
            RefundRequestState.WITHDRAWN,
            RefundRequestState.DISPUTED,
        }
    ),
    (
        _transition("agree", "open", "agreed", "freelancer", "refund_request.agreed"),
        _transition("lapse", "open", "agreed", "system", "refund_request.lapsed"),
        _transition("refuse", "open", "refused", "freelancer", "refund_request.refused"),
        _transition("withdraw", "open", "withdrawn", "client system", "refund_request.withdrawn"),
        _transition("dispute", "open", "disputed", "client system", "refund_request.disputed"),
    ),
)

_UNDECIDED = "open answered negotiation mediation proposal arbitration"

DISPUTE = Machine(
    "dispute",
    tuple(DisputeState),
    frozenset({DisputeState.EXECUTED, DisputeState.SETTLED, DisputeState.WITHDRAWN}),
    (
        _transition("accept_claim", "open", "settled", "freelancer client", "dispute.settled"),
        _transition("answer", "open", "answered", "freelancer client", "dispute.answered"),
        _transition("negotiate", "answered", "negotiation", "system", "dispute.negotiation_opened"),
        _transition("default", "open", "defaulted", "system", "dispute.defaulted"),
        _transition(
            "mediate",
            "open negotiation",
            "mediation",
            "freelancer client system",
            "dispute.mediation_opened",
        ),
        _transition(
            "agree",
            "negotiation mediation proposal",
            "settled",
            "freelancer client",
            "dispute.settled",
        ),
        _transition("propose", "mediation", "proposal", "staff", "dispute.proposed"),
        _transition(
            "arbitrate",
            "proposal",
            "arbitration",
            "freelancer client system",
            "dispute.arbitration_opened",
        ),
        _transition("decide", "arbitration", "decided", "staff", "dispute.decided"),
        _transition(
            "execute", "decided defaulted proposal", "executed", "system", "dispute.executed"
        ),
        _transition(
            "withdraw", _UNDECIDED, "withdrawn", "freelancer client system", "dispute.withdrawn"
        ),
    ),
)

CHARGEBACK = Machine(
    "chargeback",
    tuple(ChargebackState),
    frozenset({ChargebackState.LOST}),
    (
        _transition(
            "escalate", "inquiry submitted closed", "evidence_due", "psp", "chargeback.opened"
        ),
        _transition(
            "close_inquiry", "inquiry submitted", "closed", "psp", "chargeback.inquiry_closed"
        ),
        _transition(
            "submit",
            "inquiry evidence_due prearb",
            "submitted",
            "staff system",
            "chargeback.evidence_submitted",
        ),
        _transition("accept", "evidence_due prearb", "accepted", "staff", "chargeback.accepted"),
        _transition("reopen", "submitted won", "prearb", "psp", "chargeback.reopened"),
        _transition("win", "evidence_due submitted prearb", "won", "psp", "chargeback.won"),
        _transition(
            "lose", "evidence_due submitted prearb accepted won", "lost", "psp", "chargeback.lost"
        ),
    ),
)

HOLD = Machine(
    "hold",
    tuple(HoldState),
    frozenset({HoldState.RELEASED, HoldState.EXPIRED}),
    (
        _transition("review", "active", "in_review", "staff freelancer client", "hold.in_review"),
        _transition(
            "lift", "active in_review converted", "released", "staff system", "hold.lifted"
        ),
        _transition("expire", "active in_review", "expired", "system", "hold.expired"),
        _transition("convert", "active in_review", "converted", "staff", "hold.converted"),
    ),
)

APPEAL = Machine(
    "appeal",
    tuple(AppealState),
    frozenset(
        {
            AppealState.DECISION_UPHELD,
            AppealState.DECISION_CHANGED,
            AppealState.DECISION_REVERSED,
            AppealState.WITHDRAWN,
        }
    ),
    (
        _transition("review", "submitted", "in_review", "staff", "appeal.in_review"),
        _transition("uphold", "submitted in_review", "decision_upheld", "staff", "appeal.decided"),
        _transition("change", "submitted in_review", "decision_changed", "staff", "appeal.decided"),
        _transition(
            "reverse", "submitted in_review", "decision_reversed", "staff", "appeal.decided"
        ),
        _transition(
            "withdraw", "submitted in_review", "withdrawn", "freelancer", "appeal.withdrawn"
        ),
    ),
)

CASE = Machine(
    "confiscation",
    tuple(CaseState),
    frozenset({CaseState.DROPPED, CaseState.REVERSED}),
    (
        _transition("notice", "drafted", "noticed", "staff", "case.noticed"),
        _transition(
            "answer", "noticed answered approved", "answered", "freelancer", "case.answered"
        ),
        _transition("approve", "noticed answered", "approved", "staff", "case.approved"),
        _transition("execute", "approved", "executed", "staff", "case.executed"),
        _transition(
            "drop", "drafted noticed answered approved", "dropped", "staff system", "case.dropped"
        ),
        _transition("reverse", "executed", "reversed", "staff", "case.reversed"),
    ),
)

MACHINES = {
    m.name: m
    for m in (
        CONTRACT,
        MILESTONE,
        PAYMENT,
        REFUND,
        PAYOUT,
        PAYOUT_ACCOUNT,
        AMENDMENT,
        REFUND_REQUEST,
        DISPUTE,
        CHARGEBACK,
        HOLD,
        APPEAL,
        CASE,
    )
}


def allowed_transition(machine: str, state: str, event: str, actor: str) -> Transition:
    """The move, or StateConflict that names the state and what it would allow this actor."""
    for move in MACHINES[machine].moves:
        if move.event == event and state in move.sources and actor in move.actors:
            return move
    options = allowed_actions(machine, state, actor)
    choice = f" What can be done: {', '.join(options)}." if options else ""
    raise StateConflict(
        f"The {machine.replace('_', ' ')} is {state.replace('_', ' ')}; "
        f"{event.replace('_', ' ')} is not possible.{choice}",
        {"current_state": state, "allowed_actions": options},
    )


def allowed_actions(machine: str, state: str, actor: str) -> list[str]:
    """Events that this actor may cause from this state."""
    return [m.event for m in MACHINES[machine].moves if state in m.sources and actor in m.actors]


PASSED_THROUGH = {
    "milestone": ("approved", "awaiting_funding", "refund_requested"),
    "contract": ("closing",),
    "payment": ("charged_back",),
    "chargeback": ("evidence_due",),
    "dispute": ("answered", "defaulted", "decided"),
}
"""States that an object may enter and leave within one action, so that its row is written once:
approved work is released at once, a milestone that the client picks is paid at once, and what a
decision says is done at once.
"""


def hops(machine: str) -> Iterable[tuple[str, str]]:
    """Every (from, to) pair of the machine, for the table that PostgreSQL checks against."""
    single = {(source, move.target) for move in MACHINES[machine].moves for source in move.sources}
    via = PASSED_THROUGH.get(machine, ())
    double = {
        (source, target)
        for source, middle in single
        if middle in via
        for start, target in single
        if start == middle and target != source
    }
    return sorted(single | double)
