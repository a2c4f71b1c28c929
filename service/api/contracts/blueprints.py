"""The two groups in which the API describes these endpoints; each has several files."""

from __future__ import annotations

from service.api.framework.endpoints import Endpoints

contracts = Endpoints(
    "contracts", __name__, url_prefix="/v1", description="Contracts and milestones"
)
disagreements = Endpoints(
    "disagreements",
    __name__,
    url_prefix="/v1",
    description="Amendments, refunds, disputes, chargebacks, files",
)
