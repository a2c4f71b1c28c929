"""A confiscation's money: the plan of its postings, carrying it out, and giving back what can be given back."""

from __future__ import annotations

from dataclasses import dataclass

from service import events, queue
from service.act import Act
from service.domain.errors import Conflict
from service.domain.lifecycle import MILESTONE
from service.escrow import money, states
from service.ledger import LOSSES, OPERATING, TRUST, Account, Entry, Line, balance, post
from service.models import CaseLine, Confiscation, Contract, Milestone, Refund, new_id

FORFEITURES = Account("forfeitures")
_ENTRY = {
    "client": "case_refund", "same_contract_refund": "case_refund", "authority": "case_authority", "proven_loss": "case_loss",
    "remainder_to_person": "case_remainder", "forfeit": "forfeit",
}  # fmt: skip
_CREDIT = {
    "case_refund": "refund_in_flight", "case_authority": "authority_payable", "case_loss": "losses", "case_remainder": "available", "forfeit": "forfeitures",
}  # fmt: skip
REFUNDED = ("client", "same_contract_refund")


@dataclass(frozen=True)
class Planned:
    """One posting as it will be made: for the preview before the second click."""

    entry: str
    debit: str
    credit: str
    amount_minor: int
    line: int


def _source(case: Confiscation, line: CaseLine) -> Account:
    owner = {"escrow": line.milestone_id, "reserve": case.hold_id}.get(line.account) or case.freelancer_id
    return Account(line.account, owner)


def plan(case: Confiscation) -> list[Planned]:
    """Every posting of the case in its order; the same list is carried out."""
    out = [Planned("confiscate", line.account, "confiscated", line.amount_minor, line.number) for line in case.lines]
    for line in case.lines:
        kind = _ENTRY[line.target]
        out.append(Planned(kind, "confiscated", _CREDIT[kind], line.amount_minor, line.number))
        if kind in ("case_loss", "forfeit"):
            out.append(Planned(kind, "psp_operating", "psp_trust", line.amount_minor, line.number))
    return out


def execute(act: Act, case: Confiscation, contracts: dict[str, tuple[Contract, Milestone]]) -> None:
    """Take every line and bring it to its target. Contracts and their milestones are locked, by milestone id. Raises NotEnough, Conflict."""
    system, entries = act.as_("system"), []
    taken = Account("confiscated", case.id)
    entries.append(Entry("confiscate", case.id, case.currency, [Line(_source(case, one), taken, one.amount_minor) for one in case.lines], f"Case {case.id}"))
    for line in case.lines:
        contract, milestone = contracts.get(line.milestone_id or "", (None, None))
        if contract is not None and milestone is not None:
            _count(system, contract, milestone, line)
        # Forfeited money stays a liability until nobody can appeal any more: `finish`.
        if line.target != "forfeit":
            entries.append(_target(act, case, line, contract, milestone))
    for contract, milestone in contracts.values():
        if any(line.account == "escrow" and line.milestone_id == milestone.id for line in case.lines):
            states.emptied(system, contract, milestone, "confiscate")
            states.after_change(system, contract)
    money.post_all(act, entries)


def finish(act: Act, case: Confiscation) -> int:
    """What was forfeited becomes the platform's, now that the time for an appeal is over. Returns minor units; 0 when there is nothing."""
    lines = [line for line in case.lines if line.target == "forfeit"]
    money.post_all(act.as_("system"), [_target(act, case, line, None, None) for line in lines])
    return sum(line.amount_minor for line in lines)


def _count(act: Act, contract: Contract, milestone: Milestone, line: CaseLine) -> None:
    if line.account == "escrow":
        if line.amount_minor > money.held_minor(milestone):
            raise Conflict("Less than that is held for this milestone now.", {"held": money.held_minor(milestone), "line": line.number})
        milestone.confiscated_minor += line.amount_minor
        events.record(act, "milestone.confiscated_from", milestone, contract=contract, amount=line.amount_minor, currency=contract.currency)
    if line.account == "pending":
        money.take_pending(act.session, contract, milestone, line.amount_minor)


def _target(act: Act, case: Confiscation, line: CaseLine, contract: Contract | None, milestone: Milestone | None) -> Entry:
    taken, cause = Account("confiscated", case.id), f"{case.id}/{line.number}"
    to_platform = [Line(OPERATING, TRUST, line.amount_minor)]
    if line.target in REFUNDED:
        assert contract is not None, "a refund is of a contract"
        assert milestone is not None, "a refund is of a milestone"
        refund = _refund(act, contract, milestone, line)
        lines = [Line(taken, Account("refund_in_flight", refund.id), line.amount_minor)]
    elif line.target == "authority":
        lines = [Line(taken, Account("authority_payable", case.id), line.amount_minor)]
    elif line.target == "remainder_to_person":
        lines = [Line(taken, Account("available", case.freelancer_id), line.amount_minor)]
    else:
        lines = [Line(taken, LOSSES if line.target == "proven_loss" else FORFEITURES, line.amount_minor), *to_platform]
    return Entry(_ENTRY[line.target], cause, case.currency, lines, f"Case {case.id}, line {line.number}: {line.target}", contract.id if contract else None)


def _refund(act: Act, contract: Contract, milestone: Milestone, line: CaseLine) -> Refund:
    """To the client by the way it came; a failed attempt is owed to them and tried again like any other."""
    payment, refund_id = money.funding_payment(act.session, milestone), new_id("ref")
    refund = Refund(
        id=refund_id, payment_id=payment.id, milestone_id=milestone.id, source="case" if line.account == "escrow" else "released", cause=refund_id, attempt=1,
        state="pending", currency=contract.currency, amount_minor=line.amount_minor, reason="confiscation", stripe_refund_id=None, failure_reason=None,
        created_at=act.now,
    )  # fmt: skip
    refund.from_freelancer_minor = 0 if line.account == "escrow" else line.amount_minor
    act.session.add(refund)
    act.session.flush()
    line.refund_id = refund_id
    events.record(
        act, "refund.created", refund, contract=contract, amount=line.amount_minor, currency=contract.currency, reason="confiscation", to_state="pending"
    )
    queue.enqueue(act, "refund_send", refund_id)
    return refund


_HELD_BY = {"authority": "authority_payable", "proven_loss": "losses", "forfeit": "forfeitures"}


def give_back(act: Act, case: Confiscation, contracts: dict[str, tuple[Contract, Milestone]], *, at_platform_cost: bool) -> None:
    """Re-create what was taken, to the cent, as far as it is still ours; the rest at the platform's cost, or with the reason why not."""
    for line in case.lines:
        if line.target == "remainder_to_person":
            line.restored_minor, line.restore_note = line.amount_minor, "was the person's again already"
            continue
        if line.target in REFUNDED and not (at_platform_cost and line.account != "escrow"):
            line.restore_note = "not restorable: the client has it back, by the way it came"
            continue
        lines = _back(act, case, line, contracts)
        if lines is None:
            line.restore_note = "not restorable: the authority has it"
            continue
        line.restored_minor = line.amount_minor
        line.restore_note = "at the platform's cost" if line.target in REFUNDED else "back where it came from"
        post(act, Entry("restore", f"{case.id}/{line.number}", case.currency, lines, f"Case {case.id}, line {line.number}: restored"))


def _back(act: Act, case: Confiscation, line: CaseLine, contracts: dict[str, tuple[Contract, Milestone]]) -> list[Line] | None:
    kind = "losses" if line.target in REFUNDED else _HELD_BY[line.target]
    if line.target == "forfeit" and balance(act.session, "confiscated", case.id, case.currency) >= line.amount_minor:
        return [Line(Account("confiscated", case.id), _origin(case, line, contracts), line.amount_minor)]
    from_platform = kind != "authority_payable"
    if not from_platform and balance(act.session, kind, case.id, case.currency) < line.amount_minor:
        return None
    source = Account(kind) if from_platform else Account(kind, case.id)
    lines = [Line(source, _origin(case, line, contracts), line.amount_minor)]
    return [*lines, Line(TRUST, OPERATING, line.amount_minor)] if from_platform else lines


def _origin(case: Confiscation, line: CaseLine, contracts: dict[str, tuple[Contract, Milestone]]) -> Account:
    """Where it came from. A reserve has ended, and pending money has aged meanwhile: both are available now. A closed
    milestone takes nothing any more: its money is owed to the client."""
    if line.account != "escrow":
        return Account("available", case.freelancer_id)
    contract, milestone = contracts[line.milestone_id or ""]
    if milestone.state in MILESTONE.final:
        return Account("unclaimed", contract.client_id)
    milestone.confiscated_minor -= line.amount_minor
    return Account("escrow", milestone.id)
