"""What only a few may read at rest: sealed with keys of the settings, opened with any of them.

Nothing else knows these keys.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from service.domain.errors import Unavailable
from service.domain.text.json_types import JsonObject


class FieldEncryption:
    """`keys_hex`: 32 bytes in hex each; the last one encryption, all open.

    A key that is gone takes what it sealed with it.
    """

    def __init__(self, keys_hex: tuple[str, ...]) -> None:
        self._keys = keys_hex
        # MultiFernet seals with its first key; ours are in the order in which they came.
        self._fernet = (
            MultiFernet(
                [Fernet(base64.urlsafe_b64encode(bytes.fromhex(key))) for key in reversed(keys_hex)]
            )
            if keys_hex
            else None
        )

    @property
    def name(self) -> str:
        """Of the key that seals now: enough to know which rows still wait for a new one, and
        nothing of the key itself.
        """
        return hashlib.sha256(self._keys[-1].encode()).hexdigest()[:8] if self._keys else ""

    def encrypt(self, content: bytes) -> bytes:
        """Raises Unavailable where no key is configured."""
        return self._ready().encrypt(content)

    def decrypt(self, sealed: bytes) -> bytes:
        """Raises Unavailable when none of the keys opens it."""
        try:
            return self._ready().decrypt(sealed)
        except InvalidToken:
            raise Unavailable(
                "The key that this was sealed with is not configured any more."
            ) from None

    def encrypt_values(self, values: Mapping[str, object]) -> bytes:
        return self.encrypt(json.dumps(values, sort_keys=True, ensure_ascii=False).encode())

    def decrypt_values(self, sealed: bytes) -> JsonObject:
        found: JsonObject = json.loads(self.decrypt(sealed))
        return found

    def _ready(self) -> MultiFernet:
        if self._fernet is None:
            raise Unavailable(
                "Tax papers are not taken in here yet: HOLDFAST_TAX_KEYS is not configured."
            )
        return self._fernet
