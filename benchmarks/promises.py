"""The pages about fees and metrics, with worked examples computed by the code that charges and
counts.
"""

from __future__ import annotations

from datetime import date
from fractions import Fraction

from service import policies
from service.domain.money.fees import Schedule, cumulative_fee, own_fee
from service.domain.money.money import plain
from service.domain.money.promise import strictly_lower_from
from service.domain.states import scores
from service.domain.states.scores import ScoreInputs, job_success, result_of
from service.policies import FOLDER, NORMAL, Policies
from service.policies.contract_types import kinds_of
from service.policies.reading import read
from service.policies.schedules import schedules_of
from tests.world import make_settings

ON = date(2026, 11, 22)
HISTORY = FOLDER / "examples" / "fees-history.yaml"


def fees() -> str:
    """docs/fees.md"""
    loaded = policies.load(make_settings("x"))
    history = schedules_of(
        read(HISTORY.read_text(), HISTORY.name), list(loaded.kinds), loaded.currencies
    )
    out = [
        "# Fees",
        "",
        (
            "Generated from `service/policies` by the code that charges. Another file is checked "
            "with `holdfast fees check FILE` and used by"
        ),
        (
            "naming it in `HOLDFAST_FEES_FILE`; one that breaks the promise stops the start with its "
            "line and an amount that shows it."
        ),
        "",
        "## The promise",
        "",
        (
            f"At no amount does a direct contract cost more than a `{NORMAL}` one. It is proved over "
            "the ends of all straight pieces of both fees when the"
        ),
        (
            "file is read (`service/domain/money/promise.py`), in every currency that the service "
            "settles. At release the lower of the two is taken, counted with"
        ),
        (
            "what these two people have billed before, so it holds where lifetime tiers have made a "
            "normal contract cheaper. The schedules are frozen inside"
        ),
        "the quote when the client accepts: nothing that a file says later reaches the contract.",
        "",
        "## What ships",
        "",
        *_table(loaded.schedules),
        "",
        "## Worked examples",
        "",
        "| amount | direct | byoc | marketplace | direct keeps you |",
        "|---|---|---|---|---|",
    ]
    out += [_example(loaded, amount) for amount in (500, 1_050, 10_000, 80_050, 1_200_000)]
    own, normal = (loaded.schedule_for(kind, ON, "USD") for kind in ("direct", NORMAL))
    lower = strictly_lower_from(own, normal)
    out += [
        "",
        (
            f"Strictly lower from {plain(lower or 0, 'USD')} upward; below that, rounding makes some "
            "amounts equal, never higher."
        ),
        "",
    ]
    out += [
        "## Parts add up",
        "",
        "A release takes the fee on everything released so far, less what was taken:",
        "",
    ]
    out += [
        "| milestone released in parts of | fees | together | fee of the whole |",
        "|---|---|---|---|",
    ]
    out += [
        _parts(own, normal, parts)
        for parts in ([3_333, 3_333, 3_334], [1_010, 1_010, 1_010], [26_664, 33_336])
    ]
    out += [
        "",
        "## History as schedules",
        "",
        (
            f"[{HISTORY.name}](../service/policies/examples/{HISTORY.name}) runs as it is; its own "
            "examples are checked when it is read."
        ),
        "",
    ]
    out += [
        *_table(history),
        "",
        "## Tax on the fee",
        "",
        (
            "Used by schedules that say `tax: inside` or `tax: on_top`; the freelancer's country "
            "decides."
        ),
        "",
    ]
    out += ["| country | tax | rate | from |", "|---|---|---|---|"]
    out += [
        f"| {t.country} | {t.name} | {_percent(t.rate)} | {t.effective_from} |"
        for t in sorted(loaded.fee_taxes, key=lambda t: t.country)
    ]
    return "\n".join(out) + "\n"


def _table(schedules: tuple[Schedule, ...]) -> list[str]:
    out = ["| schedule | rates | counted by | client's fee | source |", "|---|---|---|---|---|"]
    return out + [
        f"| `{s.id}`{' (about)' if s.approximate else ''} | {_rates(s)} | {s.base} | "
        f"{_percent(s.client_rate)} | {s.source} |"
        for s in schedules
    ]


def _rates(schedule: Schedule) -> str:
    if schedule.rate_range:
        return (
            f"{_percent(schedule.rate_range[0])} to {_percent(schedule.rate_range[1])}, fixed "
            "per contract"
        )
    return ", ".join(
        _percent(t.rate) + (f" up to {plain(t.up_to_minor, 'USD')}" if t.up_to_minor else "")
        for t in schedule.tiers
    )


def _percent(rate: Fraction) -> str:
    return f"{float(rate * 100):g} %"


def _example(loaded: Policies, amount: int) -> str:
    by_kind = {kind: loaded.schedule_for(kind, ON, "USD") for kind in ("direct", "byoc", NORMAL)}
    charged = [cumulative_fee(s, by_kind[NORMAL], amount) for s in by_kind.values()]
    return (
        f"| {plain(amount, 'USD')} | {' | '.join(plain(fee, 'USD') for fee in charged)} | "
        f"{plain(charged[-1] - charged[0], 'USD')} |"
    )


def _parts(own: Schedule, normal: Schedule, parts: list[int]) -> str:
    taken, fees_of_parts = 0, []
    for i in range(len(parts)):
        fee = cumulative_fee(own, normal, sum(parts[: i + 1])) - taken
        fees_of_parts.append(fee)
        taken += fee
    shown = " + ".join(f"{p / 100:.2f}" for p in parts)
    return (
        f"| {shown} | {' + '.join(f'{f / 100:.2f}' for f in fees_of_parts)} | "
        f"{taken / 100:.2f} | {own_fee(own, sum(parts)) / 100:.2f} |"
    )


_CASES = (
    ("released, rated 5", ScoreInputs(10_000, 10_000, 0, 0, 0, 5)),
    ("released, not rated", ScoreInputs(10_000, 10_000, 0, 0, 0, None)),
    ("released, rated 2", ScoreInputs(10_000, 10_000, 0, 0, 0, 2)),
    ("refunded before release", ScoreInputs(10_000, 0, 0, 0, 0, None)),
    ("all of it refunded after release", ScoreInputs(10_000, 10_000, 10_000, 0, 0, None)),
    ("taken back by the client's bank", ScoreInputs(10_000, 5_000, 0, 5_000, 0, None)),
    ("confiscated", ScoreInputs(10_000, 0, 0, 0, 10_000, None)),
    ("never paid", ScoreInputs(0, 0, 0, 0, 0, None)),
)


def metrics() -> str:
    """docs/metrics.md"""
    kinds = kinds_of(read((FOLDER / "kinds.yaml").read_text(), "kinds.yaml"))
    out = [
        "# Metrics",
        "",
        "Generated from `service/policies/kinds.yaml` and `service/domain/states/scores.py`.",
        "",
        "## What counts",
        "",
        "| kind | for | job success | feedback | created by |",
        "|---|---|---|---|---|",
        *(
            f"| {k.name} | {k.meaning} | {k.metrics['job_success']} | {k.metrics['feedback']} | "
            f"{', '.join(k.created_by)} |"
            for k in kinds.values()
        ),
        "",
        (
            "A file in which a direct contract counts is refused at the start. The feedback table "
            "has no room for a row about a direct contract: its kind is"
        ),
        (
            "part of the key, and a CHECK refuses it. Job success reads one list of counting kinds; "
            "a test adds direct contracts with every outcome to a"
        ),
        (
            "marketplace history and compares the answers byte by byte, then opens that filter and "
            "sees them change."
        ),
        "",
        "## The figure",
        "",
        *(scores.__doc__ or "").strip().splitlines()[2:],
        "",
        "| outcome | result | why |",
        "|---|---|---|",
        *(f"| {name} | {result_of(facts)[0]} | {result_of(facts)[1]} |" for name, facts in _CASES),
        "",
    ]
    score = job_success(result_of(facts)[0] for _, facts in _CASES)
    out += [
        (
            f"Somebody with exactly these eight counted contracts: {score.positive} positive, "
            f"{score.negative} negative, {score.neutral} neutral, job success {score.percent}."
        ),
        "",
        "## Computing it again",
        "",
        (
            "`GET /v1/metrics/outcomes` lists every closed contract once, in the order in which they "
            "closed, with `included`, `why`, `result` and"
        ),
        (
            "`result_why`. Count the rows that are included and not neutral; the figure of `GET "
            "/v1/freelancers/{id}/job-success` is the same."
        ),
    ]
    return "\n".join(out) + "\n"
