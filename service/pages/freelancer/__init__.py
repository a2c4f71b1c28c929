"""What freelancers and their accountants see without a log-in: a hold, figures, how to leave."""

from __future__ import annotations

from flask import Flask

from service.pages import link_cookies
from service.pages.freelancer import accountant, hold, sign_out


def register(app: Flask) -> None:
    for module in (accountant, hold, sign_out):
        app.register_blueprint(module.blueprint)
    app.context_processor(lambda: {"can_leave": link_cookies.is_in()})
