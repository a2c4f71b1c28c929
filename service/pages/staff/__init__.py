"""The staff console: what waits, people and contracts with their money and history, and every act
with its preview. No script.
"""

from __future__ import annotations

from flask import Flask

from service.pages.staff import acts, cases, entrance, looking, queue


def register(app: Flask) -> None:
    for module in (entrance, queue, looking, cases, acts):
        app.register_blueprint(module.blueprint)
