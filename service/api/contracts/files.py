"""Files of a contract, up and down."""

from __future__ import annotations

from flask import Response, request

from service.api.contracts.blueprints import disagreements as blueprint
from service.api.framework.calls import api_call
from service.api.schemas import responses_disputes
from service.api.schemas.requests.disputes import FileBody, FileIn
from service.core import repository
from service.domain.errors import Invalid
from service.http import web
from service.operations.disputes import files

_file = responses_disputes.FileOut()


@blueprint.route(
    "/contracts/<contract_id>/files",
    methods=["POST"],
    permission="disputes:write",
    allowed_while_blocked=True,
)
@blueprint.arguments(FileIn, location="files")
@blueprint.response(201, responses_disputes.FileOut)
def upload(body: FileBody, contract_id: str) -> Response:
    """Upload a file (multipart field `file`, at most 20 MiB): PDF, pictures, plain text, ZIP.

    Its type is read from its bytes.
    """
    with api_call() as call:
        contract = repository.contract(call.ctx.session, contract_id, owner=call.owner, lock=True)
        sent = request.files["file"]
        if sent.filename is None:
            raise Invalid.one("/file", "required", "Send a file.")
        return call.answer(_file, files.store(call.ctx, contract, sent.filename, sent.read()), 201)


@blueprint.route(
    "/contracts/<contract_id>/files/<file_id>", methods=["GET"], permission="contracts:read"
)
@blueprint.response(200, content_type="application/octet-stream")
def download(contract_id: str, file_id: str) -> Response:
    """A file as it was uploaded, as an attachment."""
    with api_call() as call:
        contract = repository.contract(call.ctx.session, contract_id, owner=call.owner)
        file = files.find(call.ctx.session, contract, file_id)
        return web.attachment(file.name, file.media_type, files.content_of(call.ctx.session, file))
