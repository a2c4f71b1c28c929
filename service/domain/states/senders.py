"""In whose name each email speaks, as data: from whom it seems to come, and whom a reply reaches.

Only what a freelancer says themselves carries their name: the offer, the delivery, a change. Codes,
money, holds, disputes, a mediator's proposal and links come from the platform, whoever caused them,
and a reply reaches its support.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from service.domain.states.notifications import FREELANCER, NOTICES, OTHER_FREELANCER, PAYER


class Sender(StrEnum):
    """The value is how the table of mails says it: the sender, and where a reply goes."""

    FREELANCER = "“Freelancer via platform”, reply to the freelancer"
    PLATFORM = "platform, reply to support"
    COLLEAGUE = "platform, reply to the colleague who passed it on"


VOICES: Final[dict[str, Sender]] = {
    template: Sender.PLATFORM for told in NOTICES.values() for _, template in told
} | {
    "offer": Sender.FREELANCER,
    "offer_reminder": Sender.FREELANCER,
    "reminder": Sender.FREELANCER,
    "offer_revised": Sender.FREELANCER,
    "change_refused": Sender.FREELANCER,
    "work_submitted": Sender.FREELANCER,
    "amendment_proposed": Sender.FREELANCER,
    "passed_on": Sender.COLLEAGUE,
}

FOR_FREELANCERS: Final = frozenset(
    template
    for told in NOTICES.values()
    for audience, template in told
    if audience in (FREELANCER, OTHER_FREELANCER)
)
"""Emails that a freelancer reads: they carry no link of the client's."""

FOR_PAYERS: Final = frozenset(
    template for told in NOTICES.values() for audience, template in told if audience == PAYER
)
"""Emails to a colleague who paid: they carry that colleague's link, never the client's."""

UNASKED: Final = frozenset({"offer", "offer_reminder", "reminder", "passed_on"})
"""Emails to somebody who may never have heard of us: they say how to get no more of them."""
