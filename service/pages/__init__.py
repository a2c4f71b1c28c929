"""What people see: the client's pages, a freelancer's notice, the staff's console.

Complete without script, on a phone, in the dark, with a keyboard.
"""

from __future__ import annotations

from flask import Flask

from service.pages import formatting, public, staff
from service.pages.client import (
    client,
    client_access,
    client_changes,
    client_disputes,
    client_hold,
    client_pay,
    client_refund,
    client_review,
    sign_in,
)
from service.pages.finance import finance, finance_differences, finance_tax
from service.pages.freelancer import accountant, freelancer_hold, sign_out


def register(app: Flask) -> None:
    for module in (
        accountant,
        sign_in,
        client,
        client_pay,
        client_review,
        client_changes,
        client_disputes,
        client_refund,
        client_access,
        client_hold,
        finance,
        finance_differences,
        finance_tax,
        freelancer_hold,
        sign_out,
        public,
    ):
        app.register_blueprint(module.blueprint)
    staff.register(app)
    app.context_processor(lambda: {"can_leave": sign_out.can_leave()})
    formatting.register(app)
