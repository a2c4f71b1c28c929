"""The kinds of contracts: who may create them, and whether they count.

A direct contract never counts, whatever a file says.
"""

from __future__ import annotations

from dataclasses import dataclass

from service.policies.reading import Row

NEVER_COUNTS = "direct"
NAMES = ("direct", "byoc", "marketplace")
_KEYS = ("counts_toward_job_success", "accepts_feedback", "created_by", "meaning", "why")


@dataclass(frozen=True)
class ContractType:
    """`why` is the sentence that stands beside every row of the outcomes feed."""

    name: str
    counts_toward_job_success: bool
    accepts_feedback: bool
    created_by: tuple[str, ...]
    meaning: str
    why: str

    @property
    def metrics(self) -> dict[str, str]:
        """The block that every event carries."""
        return {
            "job_success": "included" if self.counts_toward_job_success else "excluded",
            "feedback": "accepted" if self.accepts_feedback else "excluded",
        }


def kinds_of(file: Row) -> dict[str, ContractType]:
    """Every kind by name.

    Raises PolicyError, above all for a file in which direct contracts would count.
    """
    file.known(["kinds"])
    rows = file.table("kinds")
    rows.known(NAMES)
    return {name: _kind(name, rows[name].known(_KEYS)) for name in NAMES}


def _kind(name: str, row: Row) -> ContractType:
    for flag in ("counts_toward_job_success", "accepts_feedback"):
        if not isinstance(row[flag], bool):
            raise row.refuse(f"{flag} is true or false")
        if name == NEVER_COUNTS and row[flag]:
            raise row.refuse(
                f"{flag} of a direct contract is false: that it never counts is what it is for"
            )
    if (
        not isinstance(row["created_by"], list)
        or not set(row["created_by"]) <= {"freelancer", "platform"}
        or "platform" not in row["created_by"]
    ):
        raise row.refuse("created_by lists platform, and freelancer if they may too")
    return ContractType(
        name,
        row["counts_toward_job_success"],
        row["accepts_feedback"],
        tuple(row["created_by"]),
        str(row["meaning"]),
        str(row["why"]),
    )
