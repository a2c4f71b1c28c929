"""What people see: the client's pages, a freelancer's notice, the staff's console.

Complete without script, on a phone, in the dark, with a keyboard.
"""

from __future__ import annotations

from flask import Flask

from service.pages import public, shapes, staff
from service.pages.client import (
    client,
    client_access,
    client_changes,
    client_disagree,
    client_hold,
    client_pay,
    client_refund,
    client_review,
    entry,
)
from service.pages.finance import finance, finance_differences, finance_tax
from service.pages.freelancer import accountant, freelancer_hold, leaving


def register(app: Flask) -> None:
    for module in (
        accountant,
        entry,
        client,
        client_pay,
        client_review,
        client_changes,
        client_disagree,
        client_refund,
        client_access,
        client_hold,
        finance,
        finance_differences,
        finance_tax,
        freelancer_hold,
        leaving,
        public,
    ):
        app.register_blueprint(module.blueprint)
    staff.register(app)
    app.context_processor(lambda: {"can_leave": leaving.can_leave()})
    shapes.register(app)
