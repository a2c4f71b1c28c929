"""When a bank contests a charge: its dispute, our evidence, Stripe's early warnings."""

from __future__ import annotations

import hashlib
import io

from stripe.params import DisputeUpdateParamsEvidence

from service.domain.money.psp import ChargebackSnapshot, FraudWarningSnapshot
from service.gateways.stripe import snapshots
from service.gateways.stripe.transport import Connection, translated

_MOST_TEXT = 20_000
"""Characters of a dispute's text field."""


class _NamedFile(io.BytesIO):
    """The SDK takes the name of an upload from its file."""

    def __init__(self, content: bytes, name: str) -> None:
        super().__init__(content)
        self.name = name


class Contests(Connection):
    """Disputes (chargebacks), evidence files, early fraud warnings."""

    def fetch_chargeback(self, stripe_dispute_id: str) -> ChargebackSnapshot:
        with translated():
            return snapshots.chargeback(self._client.v1.disputes.retrieve(stripe_dispute_id))

    def upload_evidence(self, chargeback_id: str, name: str, content: bytes) -> str:
        """One PDF for the bank; the same chargeback uploads one file. Returns Stripe's id of it."""
        file = _NamedFile(content, name)
        with translated():
            made = self._client.v1.files.create(
                {"file": file, "purpose": "dispute_evidence"},
                {"idempotency_key": f"evidence:{chargeback_id}"},
            )
        return str(made.id)

    def stage_evidence(
        self, stripe_dispute_id: str, file_id: str | None, text: str
    ) -> ChargebackSnapshot:
        """Kept at Stripe, not yet with the bank, which takes evidence once; and Stripe shall not
        answer by itself.

        `file_id`: None where the words alone have to do.
        """
        return self._evidence(stripe_dispute_id, file_id, text, submit=False)

    def submit_evidence(
        self, stripe_dispute_id: str, file_id: str | None, text: str
    ) -> ChargebackSnapshot:
        """To the bank, once and for all."""
        return self._evidence(stripe_dispute_id, file_id, text, submit=True)

    def _evidence(
        self, stripe_dispute_id: str, file_id: str | None, text: str, *, submit: bool
    ) -> ChargebackSnapshot:
        evidence: DisputeUpdateParamsEvidence = {"uncategorized_text": text[:_MOST_TEXT]}
        if file_id:
            evidence["uncategorized_file"] = file_id
        # Facts are added until the last day, and Stripe takes a key for one content only.
        content = hashlib.sha256(repr(sorted(evidence.items())).encode()).hexdigest()[:16]
        key = f"evidence:{stripe_dispute_id}:{content}:{'submit' if submit else 'stage'}"
        with translated():
            made = self._client.v1.disputes.update(
                stripe_dispute_id,
                {
                    "evidence": evidence,
                    "intended_submission_method": "manual",
                    "submit": submit,
                },
                {"idempotency_key": key},
            )
        return snapshots.chargeback(made)

    def concede(self, stripe_dispute_id: str) -> ChargebackSnapshot:
        """Accept the loss at once."""
        with translated():
            return snapshots.chargeback(
                self._client.v1.disputes.close(
                    stripe_dispute_id, None, {"idempotency_key": f"concede:{stripe_dispute_id}"}
                )
            )

    def fetch_fraud_warning(self, warning_id: str) -> FraudWarningSnapshot:
        with translated():
            found = self._client.v1.radar.early_fraud_warnings.retrieve(warning_id)
        return FraudWarningSnapshot(
            found.id,
            snapshots.id_of(found.payment_intent),
            found.fraud_type,
            found.actionable,
        )
