"""What people see: the client's pages. Complete without script, on a phone, in the dark, with a keyboard."""

from __future__ import annotations

from flask import Flask

from service.pages import client, client_access, client_changes, client_disagree, client_hold, client_pay, client_review, entry, public, shapes


def register(app: Flask) -> None:
    for module in (entry, client, client_pay, client_review, client_changes, client_disagree, client_access, client_hold, public):
        app.register_blueprint(module.blueprint)
    shapes.register(app)
