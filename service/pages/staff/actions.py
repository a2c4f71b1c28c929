"""Every action of the console as data: its name in the address, who may, and what it is."""

from __future__ import annotations

from service.pages.staff import case_actions, case_form, hold_actions, person_actions
from service.pages.staff.action import ActionFor

ACTIONS: dict[str, tuple[str, ActionFor]] = {
    "freeze": ("safety:act", hold_actions.freeze),
    "suspend": ("suspensions:write", person_actions.suspend),
    "unsuspend": ("suspensions:write", person_actions.unsuspend),
    "offers": ("safety:act", person_actions.decide_about_offers),
    "confirm": ("safety:approve", hold_actions.confirm),
    "renew": ("safety:approve", hold_actions.renew),
    "review": ("safety:act", hold_actions.review),
    "lift": ("safety:act", hold_actions.lift),
    "judge": ("safety:act", hold_actions.judge),
    "open-case": ("safety:act", case_form.open_case),
    "notice": ("safety:act", case_actions.notice),
    "approve": ("safety:approve", case_actions.approve),
    "execute": ("safety:act", case_actions.execute),
    "drop": ("safety:act", case_actions.drop),
    "restore": ("safety:approve", case_actions.restore),
    "review-appeal": ("safety:approve", case_actions.review_appeal),
    "decide": ("safety:approve", case_actions.decide_appeal),
}
"""By name: the right that it needs, and what it is for an object."""
