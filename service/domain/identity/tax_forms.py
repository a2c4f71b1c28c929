"""Which form says what: W-9 and W-8 for the United States, the self-declaration of DAC7 and the UK
for everybody else.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class Form:
    """`seller_kinds` that may sign it; `home`: only (True) or never (False) residents of the United
    States.
    """

    seller_kinds: tuple[str, ...]
    home: bool | None
    years: int | None
    """Full years after that of the signature until it ends; None: until something changes."""


FORMS = {
    "w9": Form(("individual", "entity"), True, None),
    "w8ben": Form(("individual",), False, 3),
    "w8ben_e": Form(("entity",), False, 3),
    "dac7": Form(("individual", "entity"), False, None),
}
_US_TIN = re.compile("[0-9]{3}-?[0-9]{2}-?[0-9]{4}|[0-9]{2}-?[0-9]{7}")
_TIN = re.compile(r"[0-9A-Za-z][0-9A-Za-z .,/+-]{3,28}[0-9A-Za-z]")


def expires_on(form: str, signed_on: date) -> date | None:
    """A W-8 is good to the end of the third year after its signature (instructions to Form
    W-8BEN).
    """
    years = FORMS[form].years
    return None if years is None else date(signed_on.year + years, 12, 31)


def masked(tin: str | None, country: str) -> str | None:
    """As its owner may see it again: 'XXX-XX-1234' in the United States, '…1234' elsewhere."""
    if not tin:
        return None
    end = re.sub(r"[^0-9A-Za-z]", "", tin)[-4:]
    return f"XXX-XX-{end}" if country == "US" else f"…{end}"


def problems(
    form: str, seller_kind: str, country: str, region: str | None, tin: str | None
) -> list[tuple[str, str]]:
    """What is wrong with a declaration: (field, sentence)."""
    rule, found = FORMS[form], []
    if seller_kind not in rule.seller_kinds:
        found.append(
            ("seller_kind", f"This form is for {' and '.join(rule.seller_kinds)} sellers.")
        )
    if rule.home is True and country != "US":
        found.append(
            ("country", "Form W-9 is for persons of the United States; others sign a W-8.")
        )
    if rule.home is False and country == "US":
        found.append(("country", "Persons of the United States sign Form W-9."))
    if form == "w9" and not (region and re.fullmatch(r"[A-Z]{2}", region)):
        found.append(("region", "Name the state, as two letters."))
    if form == "w9" and not (tin and _US_TIN.fullmatch(tin)):
        found.append(("tin", "A number of nine digits: SSN 000-00-0000 or EIN 00-0000000."))
    elif form == "dac7" and not tin:
        found.append(("tin", "The tax number of the country of residence is needed."))
    elif tin and not (_TIN.fullmatch(tin) or _US_TIN.fullmatch(tin)):
        found.append(("tin", "A tax number has 5 to 30 letters and digits."))
    return found
