"""The form of a confiscation case: which sums there are, and where each can go."""

from __future__ import annotations

from dataclasses import dataclass

from service.core import repository
from service.core.context import Context
from service.domain.errors import Invalid, NotFound
from service.domain.identity import typeid
from service.domain.identity.typeid import ObjectKind
from service.domain.money.money import plain
from service.domain.states.names import CaseState
from service.escrow import confiscation
from service.escrow.milestone_money import escrowed_minor
from service.models import CASE_TARGETS, Confiscation, Contract
from service.operations.contracts import contract_reads
from service.operations.safety import case_drafts, case_lines, cases, hold_ends
from service.operations.safety.case_drafts import CaseRequest
from service.operations.staff import console_reads
from service.pages.staff.action import Field, FormValues, StaffAction, currency_of
from service.workflows import staff_actions

TARGET_WORDS = {
    "client": "back to",
    "same_contract_refund": "as a refund to",
    "authority": "to an authority, by its order",
    "same_contract_chargeback": "to the bank, for its chargeback",
    "proven_loss": "to the platform, for a proven loss",
    "remainder_to_person": "stays the person's",
    "forfeit": "forfeited to the platform",
}
CASE_LINES = 6


def open_case(ctx: Context, hold_id: str) -> StaffAction:
    """Draft a case over a hold: words, and up to six lines of where from, to whom, how much.

    Raises NotFound.
    """
    hold = hold_ends.find(ctx.session, hold_id, owner=repository.EVERYONE)
    if hold.freelancer_id is None:
        raise NotFound("A case is about a freelancer's money.")
    contracts = console_reads.contracts_of(ctx.session, hold.freelancer_id)
    contested = _contested(ctx, contracts)
    sources = (("", "nothing"), *_sources(contracts, contested))
    targets = (
        ("", "nobody"),
        *_targets(contracts, contested, bool(ctx.policies.forfeit_legal_basis)),
    )
    words = (
        Field("clause", "Clause"),
        Field("facts", "Facts", "text", "The person reads this in the notice", most=5_000),
        Field("evidence", "Evidence, one piece a line", "text", most=5_000, required=False),
    )

    def do(ctx: Context, given: FormValues) -> Confiscation:
        pieces = given.texts["evidence"].splitlines()
        evidence = [" ".join(one.split())[:300] for one in pieces if one.strip()][:50]
        return case_drafts.open_case(
            ctx,
            staff_actions.hold(ctx, hold_id),
            given.texts["currency"],
            given.texts["clause"],
            given.texts["facts"],
            evidence,
            _case_lines(given),
        )

    return StaffAction(
        "Open a case",
        "Draft the case",
        do,
        (*words, currency_of(ctx), *_line_fields(sources, targets)),
    )


def _line_fields(
    sources: tuple[tuple[str, str], ...], targets: tuple[tuple[str, str], ...]
) -> list[Field]:
    lines: list[Field] = []
    for n in range(1, CASE_LINES + 1):
        lines += [
            Field(f"source_{n}", f"Line {n}: from", "choice", options=sources, required=n == 1),
            Field(f"target_{n}", "to", "choice", options=targets, required=n == 1),
            Field(f"amount_{n}", "how much", "amount", required=n == 1),
        ]
    return lines


@dataclass(frozen=True)
class _Contested:
    """A chargeback that the bank has not decided, and what it is called on the form."""

    id: str
    words: str
    reserved: str | None


def _contested(ctx: Context, contracts: list[Contract]) -> list[_Contested]:
    found = []
    for contract in contracts:
        for one in contract_reads.chargebacks_of(ctx.session, contract.id):
            if one.locked and one.closed_at is None:
                aside = confiscation.coverable_minor(one, "reserve")
                words = (
                    f"the chargeback of {plain(one.amount_minor, one.currency)} in "
                    f"“{contract.title}”"
                )
                found.append(
                    _Contested(one.id, words, plain(aside, one.currency) if aside else None)
                )
    return found


def _sources(contracts: list[Contract], contested: list[_Contested]) -> list[tuple[str, str]]:
    out = [(f"{place}|", case_lines.PLACES[place]) for place in ("available", "reserve")]
    out += [
        (f"reserve|{one.id}", f"set aside for {one.words}: {one.reserved}")
        for one in contested
        if one.reserved
    ]
    for contract in contracts:
        for milestone in contract.milestones:
            name = case_lines.named(contract, milestone)
            if escrowed_minor(milestone):
                there = plain(escrowed_minor(milestone), contract.currency)
                out.append(
                    (f"escrow|{milestone.id}", f"{case_lines.PLACES['escrow']} for {name}: {there}")
                )
            if milestone.released_minor:
                out.append(
                    (f"pending|{milestone.id}", f"{case_lines.PLACES['pending']} for {name}")
                )
    return out[:200]


def _targets(
    contracts: list[Contract], contested: list[_Contested], forfeit: bool
) -> list[tuple[str, str]]:
    of_milestone, of_chargeback = ("client", "same_contract_refund"), "same_contract_chargeback"
    named = (*of_milestone, of_chargeback, *(() if forfeit else ("forfeit",)))
    out = [(f"{target}|", TARGET_WORDS[target]) for target in CASE_TARGETS if target not in named]
    out += [(f"{of_chargeback}|{one.id}", f"to the bank, for {one.words}") for one in contested]
    paid = [(c, m) for c in contracts for m in c.milestones if m.funded_minor]
    out += [
        (
            f"{target}|{milestone.id}",
            (
                f"{TARGET_WORDS[target]} {contract.client_name}, for "
                f"{case_lines.named(contract, milestone)}"
            ),
        )
        for target in of_milestone
        for contract, milestone in paid
    ]
    return out[:200]


def _case_lines(given: FormValues) -> list[CaseRequest]:
    """Raises Invalid for a line of which only a part was filled in."""
    out = []
    for n in range(1, CASE_LINES + 1):
        source, target = (given.texts[f"{part}_{n}"] for part in ("source", "target"))
        amount = given.amounts[f"amount_{n}"]
        if not (source or target or amount):
            continue
        if not (source and target and amount):
            said = f"Line {n}: say from where, to whom and how much, or leave all three empty."
            raise Invalid.one(f"amount_{n}", "incomplete_line", said)
        out.append(_line(n, source, target, amount))
    return out


def _line(n: int, source: str, target: str, amount_minor: int) -> CaseRequest:
    """Raises Invalid when the receiver that was chosen is not the one whose money it is: nothing is
    replaced in silence.
    """
    account, _, from_id = source.partition("|")
    kind, _, to_id = target.partition("|")
    both = [one for one in (from_id, to_id) if one]
    for prefix in (ObjectKind.MILESTONE, ObjectKind.CHARGEBACK):
        if len({one for one in both if typeid.is_typeid(one, prefix)}) > 1:
            said = (
                f"Line {n}: this money was paid for another milestone, or by somebody else; "
                "it cannot go there."
            )
            raise Invalid.one(f"target_{n}", "other_receiver", said)
    return CaseRequest(
        account,
        amount_minor,
        kind,
        _of(both, ObjectKind.MILESTONE),
        _of(both, ObjectKind.CHARGEBACK),
    )


def _of(ids: list[str], kind: ObjectKind) -> str | None:
    return next((one for one in ids if typeid.is_typeid(one, kind)), None)


def restored(ctx: Context, hold_id: str) -> tuple[Field, ...]:
    """For an appeal that is partly right: how much of each line of the case goes back.

    None before it was carried out.
    """
    case = cases.of_hold(ctx.session, hold_id)
    if case is None or case.state != CaseState.EXECUTED:
        return ()
    currency = Field("currency", "Currency", "choice", options=((case.currency, case.currency),))
    lines = case_lines.in_words(ctx.session, case, own=False)
    return (
        currency,
        *(
            Field(
                f"restore_{line.number}",
                f"Give back of line {line.number}, if it is changed",
                "amount",
                f"{plain(line.amount_minor - line.restored_minor, case.currency)} {line.source}, "
                f"{line.receiver}",
                required=False,
            )
            for line in lines
        ),
    )


def restored_minor(given: FormValues) -> dict[int, int]:
    """What was typed into `restored`: minor units by line."""
    return {
        int(name.removeprefix("restore_")): amount
        for name, amount in given.amounts.items()
        if name.startswith("restore_") and amount
    }
