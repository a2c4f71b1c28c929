"""Finance: where the money is, months, exports, differences, tax."""

from __future__ import annotations

from flask import Flask

from service.pages.finance import differences, overview, tax


def register(app: Flask) -> None:
    for module in (overview, differences, tax):
        app.register_blueprint(module.blueprint)
