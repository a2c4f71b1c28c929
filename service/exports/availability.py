"""What an export comes as, and for whom: formats, one party, another currency, languages, zones."""

from __future__ import annotations

from zoneinfo import available_timezones

from service.documents.wording import LANGUAGES
from service.domain.errors import Invalid
from service.domain.money.money import CURRENCIES
from service.exports.definitions import Export
from service.exports.formats import parquet, plain_text_accounting

FORMATS = ("csv", "xlsx", "jsonl")


def formats_of(export: Export) -> tuple[str, ...]:
    """The journal also as plain-text accounting, summaries also as papers, transactions also as
    importers of Upwork's file know it.
    """
    more = {
        "general_journal": tuple(plain_text_accounting.FORMATS),
        "transactions": ("upwork",),
    }.get(export.name, ())
    return (
        *FORMATS,
        *(("parquet",) if parquet.OFFERED else ()),
        *more,
        *(("pdf",) if export.pdf else ()),
    )


def check(
    export: Export,
    form: str,
    party: str | None,
    *,
    own: bool = False,
    home: str | None = None,
    language: str = "en",
    own_zone: str | None = None,
) -> None:
    """Raises Invalid for a format, party, currency, language or zone that the export does not have;
    `own`: somebody may see only their own figures.
    """
    if form not in formats_of(export):
        raise Invalid.one(
            "/format", "unknown_format", f"{export.name} comes as {', '.join(formats_of(export))}."
        )
    if (party or own) and not export.for_party:
        raise Invalid.one("/party", "not_per_party", f"{export.name} is about everybody.")
    if home is not None and home not in CURRENCIES:
        raise Invalid.one(
            "/home", "unknown_currency", "Name the currency as in ISO 4217, such as INR."
        )
    if home is not None and not export.converts:
        raise Invalid.one("/home", "not_converted", f"{export.name} stays in its own currencies.")
    if language not in LANGUAGES:
        raise Invalid.one(
            "/language", "unknown_language", f"Papers come in {', '.join(LANGUAGES)}."
        )
    if own_zone is not None and own_zone not in available_timezones():
        raise Invalid.one(
            "/zone", "unknown_zone", "Name the zone as in the IANA database, such as Asia/Kolkata."
        )
    if own_zone is not None and not export.own_zone:
        raise Invalid.one("/zone", "not_by_zone", f"{export.name} is by the days of the books.")
