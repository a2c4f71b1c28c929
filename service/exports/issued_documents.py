"""A paper that somebody got is the same for ever: its bytes are kept when it is first given, and
given again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from sqlalchemy.dialects.postgresql import insert

from service.core.context import Context
from service.domain.identity import typeid
from service.models import GivenPaper


def issue_once(
    ctx: Context, kind: str, subject_id: str, form: str, make: Callable[[], bytes]
) -> bytes:
    """The paper of a subject in a form, as it was first given; made by `make` when it never was.

    Raises what `make` raises.
    """
    key = (kind, typeid.decode(subject_id), form)
    kept = ctx.session.get(GivenPaper, key)
    if kept is None:
        data = make()
        values = {
            "kind": kind,
            "subject_id": key[1],
            "form": form,
            "data": data,
            "given_at": ctx.now,
        }
        # Two readers at once: one of both makes it, and both get that one.
        ctx.session.execute(
            insert(GivenPaper)
            .values(**values, sha256=hashlib.sha256(data).hexdigest())
            .on_conflict_do_nothing()
        )
        kept = ctx.session.get_one(GivenPaper, key)
    return kept.data
