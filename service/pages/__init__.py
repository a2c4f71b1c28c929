"""What people see: the client's pages, a freelancer's notice, the staff's console.

Complete without script, on a phone, in the dark, with a keyboard.
"""

from __future__ import annotations

from flask import Flask

from service.pages import client, finance, formatting, freelancer, public, staff


def register(app: Flask) -> None:
    for area in (client, freelancer, finance, staff):
        area.register(app)
    app.register_blueprint(public.blueprint)
    formatting.register(app)
