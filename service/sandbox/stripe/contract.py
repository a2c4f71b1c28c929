"""Holds the sandbox against the SDK's own generated types, so that it cannot drift from Stripe
unnoticed.

`check_params` refuses what Stripe would refuse in a request: unknown, missing or mistyped
parameters, unknown enum values. `check_object` refuses the same in what the sandbox answers.
General validators do not work on these types: they hold names that exist only for type checkers,
and enums typed `Literal[...] | str` that would accept any typo.
"""

from __future__ import annotations

import ast
import functools
import importlib
import inspect
import re
import sys
import types
import typing
from collections.abc import Callable, Iterable
from typing import Any, ClassVar, ForwardRef, Literal, Union, get_args, get_origin

import stripe
import stripe._request_options as request_options
import typing_extensions as te
from stripe._list_object import ListObject
from stripe._stripe_context import StripeContext
from stripe._stripe_object import StripeObject, UntypedStripeObject

# The SDK imports it for type checkers only.
vars(request_options)["StripeContext"] = StripeContext
_OPTIONS = frozenset(
    te.get_annotations(request_options.RequestOptions, format=te.Format.FORWARDREF)
)
_WRAPPERS = (te.NotRequired, te.Required, typing.NotRequired, typing.Required)
_UNIONS = (Union, types.UnionType)
Walk = Callable[[object, object, str], None]
"""A value, the SDK's type of it, the path to it."""


class ContractDrift(Exception):
    """A body does not fit the SDK's type; the message starts with its path."""


@functools.cache
def params_class(method: Callable[..., object]) -> type:
    """The TypedDict that a service method of the SDK takes, read from the SDK's own source."""
    name = re.search(r'params: (?:Optional\[)?"(?:Optional\[)?(\w+)', inspect.getsource(method))
    if name is None:
        raise ContractDrift(f"{method} takes no parameters")
    source = inspect.getsource(inspect.getmodule(method))  # type: ignore[arg-type]
    module = re.search(r"from (stripe\.params[\w.]*) import \(?\s*" + name[1] + r"\b", source)
    assert module is not None, f"{name[1]} is imported by its own module"
    found: type = getattr(importlib.import_module(module[1]), name[1])
    return found


@functools.cache
def _dict_hints(typed: type) -> tuple[dict[str, object], frozenset[str]]:
    names = {**vars(request_options), **vars(sys.modules[typed.__module__])}
    return te.get_type_hints(typed, globalns=names, include_extras=True), vars(typed)[
        "__required_keys__"
    ]


def check_params(value: object, kind: object, path: str = "$") -> None:
    """Raises Drift when a request body is not what the SDK's parameter type says.

    Form bodies carry numbers as text.
    """
    while get_origin(kind) in _WRAPPERS:
        kind = get_args(kind)[0]
    origin = get_origin(kind)
    if kind is Any:
        return
    if origin in _UNIONS:
        _any_of(value, get_args(kind), path, check_params)
    elif origin is Literal:
        _literal(value, kind, path)
    elif te.is_typeddict(kind):
        _typed_dict(value, kind, path)
    elif origin is list:
        _each(value, list, get_args(kind)[0], path, check_params)
    elif origin is dict:
        _each(value, dict, get_args(kind)[1], path, check_params)
    else:
        _scalar(value, kind, path)


def _typed_dict(value: object, kind: object, path: str) -> None:
    if not isinstance(value, dict):
        raise ContractDrift(f"{path}: not a hash")
    hints, required = _dict_hints(kind)
    for name, inner in value.items():
        if name not in hints or (path == "$" and name in _OPTIONS):
            raise ContractDrift(f"{path}: unknown parameter {name}")
        check_params(inner, hints[name], f"{path}.{name}")
    missing = sorted(required - value.keys())
    if missing:
        raise ContractDrift(f"{path}: missing {', '.join(missing)}")


def _scalar(value: object, kind: object, path: str) -> None:
    digits = isinstance(value, str) and re.fullmatch("-?[0-9]+", value)
    known: dict[object, bool] = {
        int: (isinstance(value, int) and not isinstance(value, bool)) or bool(digits),
        bool: isinstance(value, bool) or value in ("true", "false"),
        str: isinstance(value, str),
        float: isinstance(value, int | float | str),
        type(None): value is None,
    }
    fits = known.get(kind)
    if fits is None:
        raise ContractDrift(f"{path}: the SDK's type {kind} is not known here")
    if not fits:
        raise ContractDrift(f"{path}: {value!r} is no {getattr(kind, '__name__', kind)}")


def _literal(value: object, kind: object, path: str) -> None:
    if value not in get_args(kind):
        raise ContractDrift(f"{path}: {value!r} is none of {get_args(kind)[:8]}")


def _each(value: object, container: type, inner: object, path: str, walk: Walk) -> None:
    if not isinstance(value, container):
        raise ContractDrift(f"{path}: not a {container.__name__}")
    for key, item in _members(value):
        walk(item, inner, f"{path}[{key}]")


def _members(value: object) -> Iterable[tuple[object, object]]:
    if isinstance(value, dict):
        return value.items()
    return enumerate(value) if isinstance(value, list) else ()


def _any_of(value: object, options: tuple[object, ...], path: str, walk: Walk) -> None:
    if any(get_origin(option) is Literal and get_args(option) != ("",) for option in options):
        # Newer SDKs leave enums open for type checkers; here a typo must not pass.
        options = tuple(option for option in options if option is not str)
    errors = []
    for option in options:
        try:
            walk(value, option, path)
        except ContractDrift as error:
            errors.append(str(error))
        else:
            return
    raise ContractDrift(max(errors, key=len))


@functools.cache
def _module_names(name: str) -> dict[str, object]:
    module = sys.modules[name]
    names = dict(vars(module))
    for node in ast.parse(inspect.getsource(module)).body:
        if (
            isinstance(node, ast.If)
            and isinstance(node.test, ast.Name)
            and node.test.id == "TYPE_CHECKING"
        ):
            for statement in node.body:
                if isinstance(statement, ast.ImportFrom) and statement.module:
                    for alias in statement.names:
                        names[alias.asname or alias.name] = getattr(
                            importlib.import_module(statement.module), alias.name
                        )
    return names


@functools.cache
def _object_hints(cls: type) -> dict[str, object]:
    names, holder = dict(_module_names(cls.__module__)), sys.modules[cls.__module__]
    for part in cls.__qualname__.split("."):
        holder = getattr(holder, part)
        names.update({k: v for k, v in vars(holder).items() if inspect.isclass(v)})
        names[part] = holder
    hints = {}
    # The class's own; from Python 3.14 on they are evaluated late, and some names are for type
    # checkers only.
    for field, annotation in te.get_annotations(cls, format=te.Format.FORWARDREF).items():
        if field.startswith("_"):
            continue
        one = type(
            "One",
            (),
            {
                "__annotations__": {
                    field: ForwardRef(annotation) if isinstance(annotation, str) else annotation
                }
            },
        )
        hint: object = te.get_type_hints(one, globalns=names, localns=names, include_extras=True)[
            field
        ]
        if get_origin(hint) is not ClassVar:
            hints[field] = hint
    return hints


def check_object(value: object, kind: object, path: str = "$") -> None:
    """Raises Drift when an answer is not what the SDK's resource class says: unknown, missing or
    mistyped fields.
    """
    origin = get_origin(kind)
    cls = origin or kind
    if kind in (Any, object):
        return
    if origin in _UNIONS:
        _any_of(value, get_args(kind), path, check_object)
    elif origin is Literal:
        _literal(value, kind, path)
    elif inspect.isclass(cls) and issubclass(cls, ListObject):
        _list_object(value, kind, path)
    elif origin is list:
        _each(value, list, get_args(kind)[0], path, check_object)
    elif origin is dict or (inspect.isclass(cls) and issubclass(cls, UntypedStripeObject)):
        if not isinstance(value, dict):
            raise ContractDrift(f"{path}: not a hash")
    elif inspect.isclass(cls) and issubclass(cls, StripeObject):
        _resource(value, cls, path)
    elif kind is float and isinstance(value, int | float):
        return
    elif isinstance(value, bool) != (kind is bool) or not _is_a(value, kind):
        raise ContractDrift(f"{path}: {value!r} is no {getattr(kind, '__name__', kind)}")


def _is_a(value: object, kind: object) -> bool:
    return inspect.isclass(kind) and isinstance(value, kind)


def _list_object(value: object, kind: object, path: str) -> None:
    if not (
        isinstance(value, dict)
        and value.get("object") == "list"
        and isinstance(value.get("data"), list)
        and {"has_more", "url"} <= value.keys()
    ):
        raise ContractDrift(f"{path}: not a list object")
    inner = get_args(kind)[0] if get_args(kind) else object
    for number, item in enumerate(value["data"]):
        check_object(item, inner, f"{path}.data[{number}]")


def _resource(value: object, cls: type, path: str) -> None:
    if not isinstance(value, dict):
        raise ContractDrift(f"{path}: {value!r} is no {cls.__qualname__}")
    hints = _object_hints(cls)
    for field, inner in value.items():
        if field not in hints:
            raise ContractDrift(f"{path}: {cls.__qualname__} has no field {field}")
        check_object(inner, hints[field], f"{path}.{field}")
    for field, hint in hints.items():
        optional = get_origin(hint) in _UNIONS and type(None) in get_args(hint)
        if field not in value and not optional:
            raise ContractDrift(f"{path}: {cls.__qualname__} lacks {field}")


RESOURCES: dict[str, type[StripeObject]] = {
    "checkout.session": stripe.checkout.Session,
    "payment_intent": stripe.PaymentIntent,
    "charge": stripe.Charge,
    "balance_transaction": stripe.BalanceTransaction,
    "refund": stripe.Refund,
    "transfer": stripe.Transfer,
    "transfer_reversal": importlib.import_module("stripe._transfer_reversal").TransferReversal,
    "dispute": stripe.Dispute,
    "file": stripe.File,
    "radar.early_fraud_warning": stripe.radar.EarlyFraudWarning,
    "bank_account": stripe.BankAccount,
    "payout": stripe.Payout,
    "balance": stripe.Balance,
    "balance_settings": stripe.BalanceSettings,
    "topup": stripe.Topup,
    "event": stripe.Event,
    "v2.core.account": importlib.import_module("stripe.v2.core").Account,
    "v2.core.account_link": importlib.import_module("stripe.v2.core").AccountLink,
}
"""The SDK's class for every `object` value that the sandbox answers with."""
