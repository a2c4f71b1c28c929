"""What goes out about people of staff and the keys that are asked for."""

from __future__ import annotations

from marshmallow import fields

from service.api.platform.dump import ActorText
from service.api.schemas.responses import Out


class StaffMemberOut(Out):
    kind_name = "staff_member"
    id = fields.String()
    name = fields.String()
    email = fields.String(allow_none=True)
    roles = fields.List(fields.String())
    created_by = ActorText()
    created_at = fields.AwareDateTime()
    ended_at = fields.AwareDateTime(allow_none=True)


class KeyRequestOut(Out):
    kind_name = "key_request"
    id = fields.String()
    role = fields.String()
    staff = fields.String(attribute="staff_id", allow_none=True)
    name = fields.String()
    email = fields.String(allow_none=True)
    asked_by = ActorText()
    asked_at = fields.AwareDateTime()
    approved_by = ActorText(allow_none=True)
    approved_at = fields.AwareDateTime(allow_none=True)
    key = fields.String(attribute="key_id", allow_none=True)
