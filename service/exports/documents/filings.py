"""Preparing the platform operator's report: what changed since the last one, as new documents and
corrections that name what they correct.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import TypedDict, cast

from service.core import repository
from service.core.context import Context
from service.documents import dpi
from service.documents.dpi_parties import Operator, SellerIdentity
from service.domain.errors import Conflict, Invalid
from service.domain.money.money import CURRENCIES, round_half_up
from service.domain.states.instants import known_at
from service.exports import inline
from service.exports.definitions import ExportRequest
from service.exports.documents import missing_rates
from service.exports.registry.tax import PLATFORM_OPERATORS
from service.models import TaxFiling
from service.operations.tax import tax_filings, tax_identities
from service.platform.encryption import FieldEncryption


class SellerFigures(TypedDict):
    """Of a seller, by quarter: whole units of the currency; `numb` counts releases."""

    currency: str
    cons: list[int]
    fees: list[int]
    taxes: list[int]
    numb: list[int]


class FiledDocument(TypedDict):
    """What is kept of a document about a seller, so that a correction can name it."""

    seller: str
    ref: str
    corrects: str | None
    indicator: str
    gone: bool
    figures: SellerFigures


@dataclass(frozen=True)
class SellerDocument:
    """A document to be sent about a seller; `corrects` is the reference of an earlier one."""

    figures: SellerFigures
    indicator: str
    corrects: str | None = None


Figures = Mapping[str, SellerFigures]
Filed = Mapping[str, FiledDocument]
Documents = dict[str, SellerDocument]
"""Each by seller."""


def prepare(
    ctx: Context,
    encryption: FieldEncryption,
    regime: str,
    year: int,
    as_of: datetime | None = None,
    home: str | None = None,
    *,
    test: bool,
) -> list[TaxFiling]:
    """One message, or two when a correction also brings sellers who were not reported before.

    Every line is converted by stored rates to the operator's reporting currency, or to `home`; the
    register of sellers keeps the originals. Raises Conflict when nothing changed or a rate is
    missing, Invalid when there is no such currency.
    """
    home = home or _reporting_currency(ctx, regime, year)
    filed = tax_filings.alone(ctx, regime, year)
    before = cast("Filed", tax_filings.newest_docs(filed))
    known = known_at(as_of, ctx.now)
    figures = _register(ctx, regime, year, known, home)
    fresh, changed, gone = _compared(figures, before)
    messages = []
    if fresh or not filed:
        kind = "DPI401" if fresh else "DPI403"
        messages.append(
            _Message(ctx, encryption, regime, year, known, test, len(filed) + 1).make(
                kind, {seller: SellerDocument(now, dpi.NEW) for seller, now in fresh.items()}
            )
        )
    if changed or gone:
        docs = _corrections(before, changed, gone)
        messages.append(
            _Message(
                ctx, encryption, regime, year, known, test, len(filed) + 1 + len(messages)
            ).make("DPI402", docs)
        )
    if not messages:
        raise Conflict("Nothing has changed since the last report of this year.")
    return messages


def _compared(figures: Figures, before: Filed) -> tuple[Figures, Figures, list[str]]:
    """The figures of sellers to report anew, those that have changed, and who is gone."""
    fresh = {
        seller: now
        for seller, now in figures.items()
        if seller not in before or before[seller]["gone"]
    }
    changed = {
        seller: now
        for seller, now in figures.items()
        if seller not in fresh and before[seller]["figures"] != now
    }
    gone = [seller for seller, doc in before.items() if seller not in figures and not doc["gone"]]
    return fresh, changed, gone


def _corrections(before: Filed, changed: Figures, gone: list[str]) -> Documents:
    corrected = {
        seller: SellerDocument(now, dpi.CORRECTED, before[seller]["ref"])
        for seller, now in changed.items()
    }
    return corrected | {
        seller: SellerDocument(before[seller]["figures"], dpi.DELETED, before[seller]["ref"])
        for seller in gone
    }


def _reporting_currency(ctx: Context, regime: str, year: int) -> str:
    """Raises Invalid when the operator has none, or one that nothing can be converted to."""
    entity = ctx.policies.entity
    found = entity.reporting_currency(regime, year)
    if found is None:
        raise Invalid.one(
            "/home",
            "no_reporting_currency",
            f"An operator in {entity.country} names the currency to report in: that of the "
            "member state of registration.",
        )
    if found not in CURRENCIES:
        raise Invalid.one(
            "/home",
            "unknown_currency",
            f"Amounts are reported in {found}, which nothing can be converted to here. Name the "
            "currency to convert to.",
        )
    return found


def _register(ctx: Context, regime: str, year: int, known: datetime, home: str) -> Figures:
    """By seller: whole units of `home` by quarter, half-up.

    Raises Conflict that names each day and pair without a rate.
    """
    asked = ExportRequest(
        date(year, 1, 1), date(year, 12, 31), known, None, home, zone=ctx.policies.book_zone.key
    )
    found: dict[str, SellerFigures] = {}
    for row in inline.all_records(ctx.session, PLATFORM_OPERATORS, asked):
        if row["regime"] != regime or row["excluded_reason"]:
            continue
        if row["lines_without_rate"] != "0":
            raise missing_rates.refuse(ctx.session, asked, row["seller_id"])
        found[row["seller_id"]] = {
            "currency": row["currency"],
            "cons": _quarters(row, "cons"),
            "fees": _quarters(row, "fees"),
            "taxes": _quarters(row, "taxes"),
            "numb": _quarters(row, "numb"),
        }
    return found


def _quarters(row: dict[str, str], name: str) -> list[int]:
    return [_whole(row[f"{name}_q{quarter}"]) for quarter in range(1, 5)]


def _whole(text: str) -> int:
    exact = Decimal(text)
    return round_half_up(*exact.as_integer_ratio())


class _Message:
    """One message in the making: its references come from what was filed before, so that none is
    used twice.
    """

    def __init__(
        self,
        ctx: Context,
        encryption: FieldEncryption,
        regime: str,
        year: int,
        known: datetime,
        test: bool,
        number: int,
    ) -> None:
        self._ctx, self._encryption, self._test = ctx, encryption, test
        self._regime, self._year, self._known, self._number = regime, year, known, number
        self._stem = f"{dpi.PROFILES[regime].prefix}_{year}_{ctx.policies.entity.tin}"
        self.reference = f"{self._stem}_t{number}_d{number}"

    def make(self, kind: str, docs: Documents) -> TaxFiling:
        sellers: list[dpi.Seller] = []
        kept: list[FiledDocument] = []
        for seller_id, document in sorted(docs.items()):
            reference = f"{self._stem}_t{self._number}_{seller_id}"
            sellers.append(self._seller(seller_id, document, reference))
            kept.append(
                {
                    "seller": seller_id,
                    "ref": reference,
                    "corrects": document.corrects,
                    "indicator": document.indicator,
                    "gone": document.indicator == dpi.DELETED,
                    "figures": document.figures,
                }
            )
        # The operator's own part is sent again as it was, with its first reference.
        message = dpi.DpiMessage(
            self._regime,
            self._year,
            self.reference,
            kind,
            self._ctx.now,
            _operator(self._ctx),
            f"{self._stem}_t1_operator",
            dpi.AGAIN if self._number > 1 else dpi.NEW,
            self._test,
            sellers,
        )
        return tax_filings.keep(
            self._ctx,
            self._encryption,
            regime=self._regime,
            year=self._year,
            reference=self.reference,
            kind=kind,
            as_of=self._known,
            docs=[dict(one) for one in kept],
            xml=dpi.render(message),
        )

    def _seller(
        self,
        seller_id: str,
        document: SellerDocument,
        reference: str,
    ) -> dpi.Seller:
        figures = document.figures
        declared = repository.tax_identity(self._ctx.session, seller_id, self._known)
        if declared is None or figures["currency"] not in CURRENCIES:
            raise Conflict(f"{seller_id} has no declaration any more.")
        identity = tax_identities.opened(
            self._ctx, self._encryption, declared, f"{self._regime} {self._year}"
        )
        return dpi.Seller(
            cast("SellerIdentity", identity),
            figures["currency"],
            figures["cons"],
            figures["fees"],
            figures["taxes"],
            figures["numb"],
            reference,
            document.indicator,
            document.corrects,
        )


def _operator(ctx: Context) -> Operator:
    entity = ctx.policies.entity
    return Operator(
        legal_name=entity.legal_name,
        trading_name=entity.trading_name,
        country=entity.country,
        tin=entity.tin,
        tin_issued_by=entity.tin_issued_by,
        vat_id=entity.vat_id,
        street=entity.street,
        building=entity.building,
        postcode=entity.postcode,
        city=entity.city,
    )
