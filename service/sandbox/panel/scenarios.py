"""Scenarios: the world's switches as a list of steps, replayed in order, the same each time with
the same seed.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TypedDict

from flask import Blueprint, Response, current_app, jsonify, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from service.domain.text.json_types import Json, JsonObject, whole
from service.sandbox.errors import StripeRefusal
from service.sandbox.panel.requests import only_from_here

blueprint = Blueprint("scenarios", __name__, url_prefix="/_sandbox/scenarios")
FOLDER = Path(__file__).parent / "scenario_files"
MOST_STEPS = 200


def known() -> dict[str, str]:
    """Name and one line of what happens, of every scenario that ships."""
    return {
        path.stem: str(json.loads(path.read_text())["what"])
        for path in sorted(FOLDER.glob("*.json"))
    }


class StepDone(TypedDict):
    """One step, and how it was answered."""

    step: str
    status: int


def replay(scenario: JsonObject) -> list[StepDone]:
    """Do every step; a step is [address under /_sandbox/, body].

    Raises StripeRefusal for one that is no step.
    """
    steps = scenario.get("steps")
    if not isinstance(steps, list) or not 1 <= len(steps) <= MOST_STEPS:
        raise StripeRefusal(422, "steps", f"A scenario has 1 to {MOST_STEPS} steps.")
    client = current_app.test_client()
    done: list[StepDone] = []
    first: list[Json] = ["chaos", {"seed": whole(scenario.get("seed", 0))}]
    for step in [first, *steps]:
        if not (
            isinstance(step, list)
            and len(step) == 2
            and isinstance(step[0], str)
            and isinstance(step[1], dict)
        ) or step[0].startswith("scenarios"):
            raise StripeRefusal(
                422,
                "step",
                'A step is ["clock", {"advance": "1d"}]: an address under /_sandbox/ and a body.',
            )
        body = {name: _resolved(value) for name, value in step[1].items()}
        answer = client.post(f"/_sandbox/{_resolved(step[0])}", json=body)
        done.append({"step": step[0], "status": answer.status_code})
        if answer.status_code >= 400:
            break
    return done


def _resolved(value: Json) -> Json:
    """`$charge`, `$dispute`, `$refund`, `$payout`: the newest one."""
    if not isinstance(value, str) or "$" not in value:
        return value
    objects = current_app.test_client().get("/_sandbox/dump.json").get_json()["objects"]
    for kind in ("charge", "dispute", "refund", "payout"):
        newest = next((o["id"] for o in reversed(objects) if o["object"] == kind), None)
        if f"${kind}" in value and newest is None:
            raise StripeRefusal(
                409, "nothing_there", f"There is no {kind} yet: pay for a milestone first."
            )
        value = value.replace(f"${kind}", str(newest))
    return value


@blueprint.post("")
def run() -> Response:
    """`{"name": "bad-week"}`, or a scenario of one's own: `{"seed": 7, "steps": [["chaos", {"drop":
    1}], ["clock", {"advance": "1d"}]]}`.
    """
    body = request.get_json(silent=True)
    if not isinstance(body, dict):
        raise StripeRefusal(
            415, "json_only", "Send a JSON object with Content-Type: application/json."
        )
    return jsonify(replay(_named(str(body["name"])) if "name" in body else body))


@blueprint.post("/<name>")
def run_form(name: str) -> AnyResponse:
    """The panel's button; same origin only."""
    only_from_here()
    replay(_named(name))
    return redirect("/_sandbox/", 303)


def _named(name: str) -> JsonObject:
    if name not in known():
        raise StripeRefusal(404, "scenario", f"Known scenarios: {', '.join(known())}.")
    found: JsonObject = json.loads((FOLDER / f"{name}.json").read_text())
    return found
