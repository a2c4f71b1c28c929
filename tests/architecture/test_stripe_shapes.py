"""The SDK's shapes that we use, as a committed digest: an upgrade of the SDK is a reviewed
difference, never a surprise.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, get_args

import pytest
import stripe
from stripe.params._webhook_endpoint_create_params import WebhookEndpointCreateParams

from service.gateways.stripe import API_VERSION, ENABLED_EVENTS
from service.sandbox.http.calls import CALLS
from service.sandbox.http.routes import SDK
from service.sandbox.stripe.contract import (
    RESOURCES,
    ContractDrift,
    _dict_hints,
    _object_hints,
    check_object,
    check_params,
    params_class,
)

DIGEST = Path(__file__).parent / "stripe_shapes.json"


def method(path: str) -> Any:
    found: Any = SDK
    for part in path.split("."):
        found = getattr(found, part)
    return found


def shapes() -> dict[str, str]:
    """Name of each parameter and resource type -> digest of its fields, their types and which are
    required.
    """
    found = {}
    for call in CALLS:
        hints, required = _dict_hints(params_class(method(call.sdk)))
        found[f"params {call.sdk}"] = [
            sorted(required),
            {name: str(kind) for name, kind in sorted(hints.items())},
        ]
    for name, cls in RESOURCES.items():
        found[f"object {name}"] = {
            field: str(kind) for field, kind in sorted(_object_hints(cls).items())
        }
    return {
        name: hashlib.sha256(json.dumps(shape, sort_keys=True).encode()).hexdigest()[:16]
        for name, shape in sorted(found.items())
    }


def test_the_shapes_are_the_reviewed_ones() -> None:
    assert json.loads(DIGEST.read_text()) == shapes()


def test_the_version_is_the_sdk_s_own() -> None:
    assert stripe._api_version._ApiVersion.CURRENT == API_VERSION


def literals(kind: Any) -> set[str]:
    """Every word of the closed lists inside a type."""
    if isinstance(kind, str):
        return {kind}
    return {word for inner in get_args(kind) for word in literals(inner)}


def test_the_events_exist() -> None:
    known = literals(_dict_hints(WebhookEndpointCreateParams)[0]["enabled_events"])
    assert len(known) > 200
    assert set(ENABLED_EVENTS) <= known


@pytest.mark.parametrize(
    "body",
    [
        {"surprise": 1},
        {"amount": "x"},
        {"amount": True},
        {"amount": 1, "currency": "usd", "destination": 5},
        {"currency": "usd"},
    ],
)
def test_wrong_parameters_are_refused(body: dict[str, Any]) -> None:
    with pytest.raises(ContractDrift):
        check_params(body, params_class(SDK.v1.transfers.create))


def test_wrong_objects_are_refused() -> None:
    good = {"id": "re_1", "object": "refund", "amount": 1, "created": 1, "currency": "usd"}
    check_object(good, RESOURCES["refund"])
    for bad in (
        {**good, "surprise": 1},
        {k: v for k, v in good.items() if k != "amount"},
        {**good, "amount": "1"},
        {**good, "object": "refunds"},
    ):
        with pytest.raises(ContractDrift):
            check_object(bad, RESOURCES["refund"])
