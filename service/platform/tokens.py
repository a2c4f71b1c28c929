"""Signed texts: links in mails, form tokens, list cursors.

A salt per purpose, all keys verify, the last one signs.
"""

from __future__ import annotations

import hashlib
from typing import Any

from itsdangerous import BadSignature, URLSafeSerializer

_SALTS = {
    "link": "client-link.v1",
    "form": "form.v1",
    "cursor": "cursor.v1",
    "notice": "freelancer-notice.v1",
    "notice_session": "freelancer-session.v1",
    "accountant": "accountant.v1",
    "accountant_session": "accountant-session.v1",
}


class BadToken(Exception):
    """The text was not signed by us for this purpose."""


class Tokens:
    """Signs and reads. Expiry is not in the token: the row behind it decides."""

    def __init__(self, keys: tuple[str, ...]) -> None:
        self.keys = keys
        options = {"digest_method": hashlib.sha256, "key_derivation": "hmac"}
        self._serializers = {
            purpose: URLSafeSerializer(list(keys), salt=salt, signer_kwargs=options)
            for purpose, salt in _SALTS.items()
        }

    def sign(self, purpose: str, value: object) -> str:
        return str(self._serializers[purpose].dumps(value))

    def read(self, purpose: str, token: str) -> Any:
        """Raises BadToken, also for tokens of another purpose."""
        if len(token) > 1_000:
            raise BadToken
        try:
            return self._serializers[purpose].loads(token)
        except BadSignature as error:
            raise BadToken from error

    def link(self, link_id: str, revision: int) -> str:
        return self.sign("link", {"l": link_id, "r": revision})
