"""Files that people show each other: type read from the bytes, size bounded, hashed, never
changed.
"""

from __future__ import annotations

import hashlib

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from service.core.context import Context
from service.domain.errors import Invalid, NotFound, TooLarge
from service.domain.identity import names, typeid
from service.domain.identity.names import NameKind
from service.models import Contract, File, FileChunk, Hold, new_id

LARGEST = 20 * 1024 * 1024
LARGEST_TOGETHER = 200 * 1024 * 1024
_CHUNK = 1024 * 1024
_MAGIC = (
    (b"%PDF-", "application/pdf"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"PK\x03\x04", "application/zip"),
)
_MARKUP = (b"<!doctype", b"<html", b"<svg", b"<?xml", b"<script")


def media_type(content: bytes) -> str:
    """What the bytes are, whatever the name says.

    Raises Invalid for what is not taken: HTML, SVG, programs.
    """
    for magic, kind in _MAGIC:
        if content.startswith(magic):
            return kind
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    head = content[:1024].lstrip().lower()
    try:
        content.decode()
    except UnicodeDecodeError:
        head = _MARKUP[0]
    if b"\x00" in content or head.startswith(_MARKUP):
        raise Invalid.one(
            "/file",
            "file_type",
            "Send a PDF, a PNG, JPEG, GIF or WebP picture, plain text, or a ZIP.",
        )
    return "text/plain"


def store(ctx: Context, place: Contract | Hold, name: str, content: bytes) -> File:
    """Keep a file with its contract or hold. Raises Invalid, TooLarge."""
    if not content:
        raise Invalid.one("/file", "empty", "The file is empty.")
    if len(content) > LARGEST:
        raise TooLarge("A file may have 20 MiB.")
    used = ctx.session.execute(
        select(func.coalesce(func.sum(File.byte_count), 0)).where(_of(place))
    ).scalar_one()
    if int(used) + len(content) > LARGEST_TOGETHER:
        raise TooLarge("The files of a contract or a hold may have 200 MiB together.")
    names.check("/file", name, NameKind.FILE, ctx.policies.platform_name)
    safe = (
        "".join(ch for ch in name.replace("\\", "/").rpartition("/")[2] if ch.isprintable())[:120]
        or "file"
    )
    file = File(
        id=new_id("fil"),
        contract_id=place.id if isinstance(place, Contract) else None,
        hold_id=place.id if isinstance(place, Hold) else None,
        name=safe,
        media_type=media_type(content),
        byte_count=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        uploaded_by=ctx.actor,
        uploaded_at=ctx.now,
    )
    ctx.session.add(file)
    ctx.session.flush()
    for number, start in enumerate(range(0, len(content), _CHUNK)):
        ctx.session.add(
            FileChunk(file_id=file.id, number=number, data=content[start : start + _CHUNK])
        )
        ctx.session.flush()
    return file


def _of(place: Contract | Hold) -> ColumnElement[bool]:
    return File.contract_id == place.id if isinstance(place, Contract) else File.hold_id == place.id


def find(session: Session, place: Contract | Hold, file_id: str) -> File:
    """A file of this contract or hold. Raises NotFound."""
    query = (
        select(File).where(File.id == file_id, _of(place))
        if typeid.is_typeid(file_id, "fil")
        else None
    )
    found = session.execute(query).scalar_one_or_none() if query is not None else None
    if found is None:
        raise NotFound("There is no such file.")
    return found


def all_of(session: Session, place: Contract | Hold) -> list[File]:
    """Oldest first, at most 200."""
    return list(
        session.execute(select(File).where(_of(place)).order_by(File.id).limit(200)).scalars()
    )


def content_of(session: Session, file: File) -> bytes:
    """The bytes as they were uploaded."""
    chunks = session.execute(
        select(FileChunk.data).where(FileChunk.file_id == file.id).order_by(FileChunk.number)
    ).scalars()
    return b"".join(chunks)
