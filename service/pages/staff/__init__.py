"""The staff console: what waits, people and contracts with their money and history, and every
action with its preview. No script.
"""

from __future__ import annotations

from flask import Flask

from service.pages.staff import action_forms, cases, details, queue, sign_in


def register(app: Flask) -> None:
    for module in (sign_in, queue, details, cases, action_forms):
        app.register_blueprint(module.blueprint)
