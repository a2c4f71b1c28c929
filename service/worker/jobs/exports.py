"""Making an export: in a snapshot of its own, to a folder of its own, then kept piece by piece.

A second attempt begins anew.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from service.core.queue import ClaimedJob
from service.core.runtime import Runtime
from service.domain.errors import Invalid, PaperNotMade
from service.exports import generation, manifest, registry
from service.exports.definitions import ExportRequest
from service.models import FinanceExport
from service.models.money.finance import Manifest
from service.operations.finance import export_requests


def make(runtime: Runtime, job: ClaimedJob) -> None:
    """Make, prove, sign and keep one export; progress is written on the way."""
    request_id, export_id = f"job:{job.id}", job.subject
    with runtime.context(request_id) as ctx:
        wanted = export_requests.began(ctx, export_id)
    if wanted is None:
        return
    folder = Path(tempfile.mkdtemp(prefix="holdfast-export-"))

    def progress(rows: int) -> None:
        with runtime.context(request_id) as ctx:
            export_requests.progressed(ctx, export_id, rows)

    try:
        with runtime.db.transaction() as session:
            done = generation.make(
                session,
                registry.find(wanted.name),
                _request(runtime, wanted),
                wanted.format,
                folder,
                runtime.settings.signing_key,
                progress,
            )
        _keep(runtime, request_id, export_id, folder, done)
    except generation.CheckFailed as difference:
        with runtime.context(request_id) as ctx:
            export_requests.failed(ctx, export_id, str(difference))
    except (Invalid, PaperNotMade) as refused:
        with runtime.context(request_id) as ctx:
            export_requests.refused(ctx, export_id, str(refused))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _request(runtime: Runtime, wanted: FinanceExport) -> ExportRequest:
    return ExportRequest(
        wanted.first_day,
        wanted.last_day,
        wanted.as_of,
        wanted.party,
        wanted.home,
        wanted.language,
        runtime.settings.platform_name,
        zone=runtime.policies.book_zone.key,
        own_zone=wanted.zone,
    )


def _keep(
    runtime: Runtime, request_id: str, export_id: str, folder: Path, done: generation.ExportFile
) -> None:
    """Files and state in one transaction: a reader finds everything or nothing."""
    content: Manifest = json.loads((folder / manifest.NAME).read_text())
    with runtime.context(request_id) as ctx:
        for path in sorted(folder.iterdir()):
            for number, piece in enumerate(_pieces(path)):
                export_requests.keep(ctx, export_id, path.name, number, piece)
                ctx.session.flush()
        export_requests.finished(ctx, export_id, done.rows, content)


def _pieces(path: Path) -> Iterator[bytes]:
    """At least one: a file without rows is a file as well."""
    with path.open("rb") as file:
        yield file.read(export_requests.PIECE_BYTES)
        while piece := file.read(export_requests.PIECE_BYTES):
            yield piece
