"""Making an export: in a snapshot of its own, to a folder of its own, then kept piece by piece.

A second attempt begins anew.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from service.core.queue import Claimed
from service.core.runtime import Runtime
from service.domain.errors import Invalid, PaperNotMade
from service.exports import generation, manifest, registry
from service.exports.definitions import Asked
from service.operations.finance import export_requests


def make(ctx: Runtime, job: Claimed) -> None:
    """Make, prove, sign and keep one export; progress is written on the way."""
    request_id, export_id = f"job:{job.id}", job.subject
    with ctx.act(request_id) as act:
        wanted = export_requests.began(act, export_id)
    if wanted is None:
        return
    folder = Path(tempfile.mkdtemp(prefix="holdfast-export-"))

    def progress(rows: int) -> None:
        with ctx.act(request_id) as act:
            export_requests.progressed(act, export_id, rows)

    try:
        asked = Asked(
            wanted.first_day,
            wanted.last_day,
            wanted.as_of,
            wanted.party,
            wanted.home,
            wanted.language,
            ctx.settings.platform_name,
            zone=ctx.policies.book_zone.key,
            own_zone=wanted.zone,
        )
        with ctx.db.transaction() as session:
            done = generation.make(
                session,
                registry.find(wanted.code),
                asked,
                wanted.format,
                folder,
                ctx.settings.signing_key,
                progress,
            )
        _keep(ctx, request_id, export_id, folder, done)
    except generation.CheckFailed as difference:
        with ctx.act(request_id) as act:
            export_requests.failed(act, export_id, str(difference))
    except (Invalid, PaperNotMade) as refused:
        with ctx.act(request_id) as act:
            export_requests.refused(act, export_id, str(refused))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _keep(
    ctx: Runtime, request_id: str, export_id: str, folder: Path, done: generation.Made
) -> None:
    """Files and state in one transaction: a reader finds everything or nothing."""
    content: dict[str, Any] = json.loads((folder / manifest.NAME).read_text())
    with ctx.act(request_id) as act:
        for path in sorted(folder.iterdir()):
            for number, piece in enumerate(_pieces(path)):
                export_requests.keep(act, export_id, path.name, number, piece)
                act.session.flush()
        export_requests.finished(act, export_id, done.rows, content)


def _pieces(path: Path) -> Iterator[bytes]:
    """At least one: a file without rows is a file as well."""
    with path.open("rb") as file:
        yield file.read(export_requests.PIECE_BYTES)
        while piece := file.read(export_requests.PIECE_BYTES):
            yield piece
