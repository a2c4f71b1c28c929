"""For whoever runs the service: is the process up, can it work, its figures."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest
from sqlalchemy import text

from service.core import queue
from service.domain.errors import Unavailable
from service.http import web
from service.platform import clock
from service.platform.db import migrate

blueprint = Blueprint("health", __name__)
_WAITING = text("SELECT count(*) FROM event WHERE position IS NULL")


@blueprint.get("/healthz")
def healthz() -> Response:
    return jsonify(status="ok")


@blueprint.get("/readyz")
def readyz() -> Response:
    """The database answers, and its schema is one that this code works on: by number and by the
    hash of what made it.
    """
    with web.runtime().db.transaction() as session:
        at, unfit = migrate.current(session.connection()), migrate.unfit(session.connection())
        figures = queue.figures(session, clock.now(session))
        unplaced: int = session.execute(_WAITING).scalar_one()
    if unfit:
        raise Unavailable(unfit)
    return jsonify(
        status="ready",
        migration=at,
        oldest_job_seconds=figures.oldest_seconds,
        events_waiting=unplaced,
    )


@blueprint.get("/metrics")
def metrics() -> Response:
    registry = CollectorRegistry()
    with web.runtime().db.transaction() as session:
        figures = queue.figures(session, clock.now(session))
    for name, what, value in (
        ("holdfast_jobs_dead", "Jobs that used up their tries", figures.dead),
        ("holdfast_jobs_overdue", "Jobs that are due and not done", figures.overdue),
        ("holdfast_jobs_oldest_seconds", "Age of the oldest due job", figures.oldest_seconds),
    ):
        Gauge(name, what, registry=registry).set(value)
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)
