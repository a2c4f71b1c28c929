"""The manifest: which files, their hashes, rows and totals, what was asked and known, which checks
were made; signed. `verify` needs no service.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import NotRequired, TypedDict

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

NAME, SIGNATURE = "manifest.json", "manifest.sig"


class LedgerHead(TypedDict):
    """The newest entry of the sealed journal: its position and its hash, in hex."""

    position: int
    hash: str


class ManifestFile(TypedDict):
    """A file that lies beside the manifest; `totals` in major units, of an export by currency."""

    name: str
    bytes: int
    sha256: str
    rows: NotRequired[int]
    totals: Mapping[str, str | Mapping[str, str]]


class Period(TypedDict):
    """Days in ISO form, both included, and the zone whose days they are."""

    first_day: str
    last_day: str
    zone: str


class ExportManifest(TypedDict):
    """What the manifest of an export says."""

    name: str
    title: str
    schema_version: int
    format: str
    generator: str
    period: Period
    as_of: str
    party: str | None
    home: str | None
    language: str
    files: list[ManifestFile]
    checks: list[dict[str, str]]
    columns: list[dict[str, str]]
    ledger_head: LedgerHead


def write(folder: Path, content: Mapping[str, object], signing_key_hex: str) -> None:
    """`manifest.json` with the keys in one order, and its Ed25519 signature (64 bytes,
    deterministic) beside it.
    """
    key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(signing_key_hex))
    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()
    body = (
        json.dumps({**content, "public_key": public}, indent=2, sort_keys=True, ensure_ascii=False)
        + "\n"
    ).encode()
    (folder / NAME).write_bytes(body)
    (folder / SIGNATURE).write_bytes(key.sign(body))


def digest(path: Path) -> str:
    """SHA-256 of a file, read in pieces."""
    found = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            found.update(piece)
    return found.hexdigest()


def verify(path: Path, trusted_key_hex: str | None = None) -> list[str]:
    """What is wrong with a manifest and the files beside it; nothing when all is as it was made.

    Without `trusted_key_hex` the signature only proves that the files belong together; with it,
    also who made them.
    """
    folder = path if path.is_dir() else path.parent
    try:
        body = (folder / NAME).read_bytes()
        content = json.loads(body)
        signature, public = (folder / SIGNATURE).read_bytes(), str(content["public_key"])
        files: list[ManifestFile] = content["files"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        return [f"the manifest cannot be read: {error}"]
    problems = []
    if trusted_key_hex and trusted_key_hex != public:
        problems.append("it was signed with another key")
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(public)).verify(signature, body)
    except (InvalidSignature, ValueError):
        problems.append("the signature does not fit the manifest")
    return problems + [problem for file in files if (problem := _wrong(folder, file))]


def _wrong(folder: Path, file: ManifestFile) -> str | None:
    name = str(file.get("name"))
    there = folder / name
    if "/" in name or "\\" in name or not there.is_file():
        return f"{name} is missing"
    return None if digest(there) == file.get("sha256") else f"{name} has been changed"
