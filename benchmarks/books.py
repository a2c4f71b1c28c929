"""docs/finance.md: every export with its columns, from the registry that the service runs on."""

from __future__ import annotations

from service.exports import availability, periods
from service.exports.registry import EXPORTS


def page() -> str:
    """The whole page."""
    out = [
        "# Books and papers",
        "",
        (
            "Generated from `service/exports/registry`. Every export is read in one snapshot, "
            "streamed, proved against the books by a statement that goes"
        ),
        (
            "another way, and signed (Ed25519) with a manifest of its files, rows and totals. One "
            "that does not prove itself reaches nobody."
        ),
        "",
        (
            '- By the API: `POST /v1/exports {"name": "general_journal", "period": "2026"}`, then `GET '
            "/v1/exports/{id}` until it is `ready`; up to 10,000 rows at once from `GET "
            "/v1/reports/{name}`."
        ),
        (
            "- In the browser: `/finance`, with progress; the two usual questions at "
            "`/finance/answers`."
        ),
        (
            "- On the command line: `holdfast export general_journal --period 2026 --format beancount`, "
            "and "
            "`holdfast verify export` anywhere, offline."
        ),
        "",
        (
            f"A period is {periods.EXAMPLES}; it means days in the books, whose zone is "
            "`HOLDFAST_BOOK_ZONE` (UTC when not said; choose it before the first entry). `as_of` is "
            "what was known at an instant:"
        ),
        (
            "a past period asked about at two instants gives the same bytes, because late facts are "
            "posted on the day they are learned, with their day in `effective_on`."
        ),
        (
            "What a person can have (`transactions`, `earnings`, `client_statement`) can be asked for by "
            "the days of their own zone (`zone`, "
            "`--zone`): an instant then lies on its day there, and months of the books may be cut."
        ),
        (
            "Three are about what is known and not about what was posted: `dac7` (a late refund "
            "corrects the sellers' year itself, by law), `fx_rates` and `tax_documents`."
        ),
        "",
        (
            "Lines can be had in another currency as well (`home`): each is converted at the stored "
            "rate of its day, rounded, and then summed. Rates come by `POST /v1/fx-rates` or "
            "`holdfast fx import eurofxref-hist-90d.xml`."
        ),
        "",
        "## Papers, tax",
        "",
        (
            "- Every fee has an invoice and every fee given back a credit note, numbered without a "
            "gap: `GET /v1/invoices`, each as PDF (Factur-X), UBL and CII. By mandate also the "
            "freelancer's own invoices."
        ),
        (
            "- `POST /v1/certificates` issues a signed certificate of earnings; anybody checks it at "
            "`/verify`. `POST /v1/accountant-links` lets an accountant read, until a day."
        ),
        (
            "- `POST /v1/tax-identity` takes in a W-9, W-8 or the declaration of DAC7 and the UK, "
            "sealed. `POST /v1/tax-scopes` records whether a duty is ours, and why; both at "
            "`/finance/tax`."
        ),
        (
            "- `holdfast tax file eu_dac7 2025` (or `POST /v1/tax-filings`) prepares the report, and "
            "later what has changed, as corrections; `holdfast tax iris 2025 --template 1099-K.csv` "
            "fills the IRS's own template."
        ),
        (
            "- Where a duty to withhold was decided (`service/policies/withholding.yaml` has the "
            "rates), each release takes it; `GET /v1/tax-dues` and `/finance/tax` show what is to be "
            "paid until when, `withheld_tax` from whom and why."
        ),
        "",
        (
            "Amounts are printed with the currency's digits and no grouping; a text that a "
            "spreadsheet would take for a formula begins with `'`; the header is there also without "
            "rows."
        ),
        "",
        (
            "A month is closed by two people (`POST /v1/periods/2026-01/close`, once with "
            "`finance:act`, once with `finance:approve`) when every check of the books is right, the "
            "three ways"
        ),
        (
            "agree to zero and no row of Stripe's older than a day is unmatched. From then on "
            "PostgreSQL refuses entries in it, and its exports are frozen."
        ),
        "",
    ]
    for export in EXPORTS.values():
        formats = ", ".join(availability.formats_of(export))
        who = "a freelancer or client, or everybody" if export.for_party else "everybody"
        out += [
            f"## {export.title}",
            "",
            f"`{export.name}`, schema {export.schema_version}, about {who}; {formats}.",
            "",
            "| column | kind | meaning |",
            "|---|---|---|",
        ]
        out += [
            f"| `{c.name}` | "
            f"{f'id {c.kind}_…' if len(c.kind) == 3 and c.kind != 'day' else c.kind} | "
            f"{c.meaning} |"
            for c in export.columns
        ]
        out.append("")
    return "\n".join(out).rstrip() + "\n"
