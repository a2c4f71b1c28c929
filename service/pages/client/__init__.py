"""A client's pages, opened by a link from their mailbox."""

from __future__ import annotations

from flask import Flask

from service.pages.client import (
    access,
    changes,
    contract,
    disputes,
    hold,
    pay,
    refund,
    review,
    sign_in,
)


def register(app: Flask) -> None:
    for module in (
        sign_in,
        contract,
        pay,
        review,
        changes,
        disputes,
        refund,
        access,
        hold,
    ):
        app.register_blueprint(module.blueprint)
