"""E-mail addresses: whether a text is one, and the one form in which it is kept.

For bodies, forms, commands and emails alike. The grammar is the library's. What it lets through
and emails must not carry is refused here: a name that some mail programs would decode into
another address, and the old ways of writing a route through other hosts.
"""

from __future__ import annotations

import re

from email_validator import EmailNotValidError, validate_email

LONGEST = 254
_MISREAD = re.compile(r"=\?|[%!]")
_NOT_ONE = "This is not an e-mail address that letters can be sent to."
_MISLEADING = "Some mail programs read this address as another one. Use a plain address."


def read(text: str) -> str:
    """The address in lower case, its domain as mail servers write it (`xn--…`).

    A name before the @ outside ASCII is refused: many mail servers cannot be given such an email.
    Whether the domain exists is not asked: that would be a call to the network. `.example` and
    `.test` are addresses; `.local`, `.invalid` and the like are not.

    Raises ValueError with a sentence for the person, which does not repeat what was typed.
    """
    bare = text.strip(" ")
    if len(bare) > LONGEST:
        raise ValueError(_NOT_ONE)
    try:
        found = validate_email(
            bare,
            allow_smtputf8=False,
            allow_quoted_local=False,
            allow_domain_literal=False,
            allow_display_name=False,
            check_deliverability=False,
            strict=True,
            # `.test` and `.example` belong to nobody: an email to them reaches nobody, live too.
            test_environment=True,
        )
    except EmailNotValidError:
        # The library's own sentence repeats what was typed.
        raise ValueError(_NOT_ONE) from None
    if _MISREAD.search(found.local_part):
        raise ValueError(_MISLEADING)
    return f"{found.local_part}@{found.ascii_domain}".lower()


def normal(stored: str) -> str:
    """The same of an address that is kept already: older versions took what is refused now."""
    try:
        return read(stored)
    except ValueError:
        return stored.strip().lower()


def is_one(stored: str) -> bool:
    """Whether an address that is kept already can be written to."""
    try:
        return bool(read(stored))
    except ValueError:
        return False
