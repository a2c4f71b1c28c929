"""To the freelancer: the connected account, transfers to it, payouts from it to the bank."""

from __future__ import annotations

from typing import Final

from stripe.params.v2.core import AccountLinkCreateParamsUseCaseAccountOnboarding

from service.domain.money.psp import AccountSnapshot, BankPayoutSnapshot, TransferSnapshot
from service.gateways.stripe import snapshots
from service.gateways.stripe.transport import PAGE, Connection, translated

_ACCOUNT_FIELDS: Final = ("configuration.recipient", "requirements", "identity", "defaults")


class Payouts(Connection):
    """Accounts v2 with the recipient configuration, transfers, bank payouts."""

    # To the freelancer

    def create_account(
        self, freelancer_id: str, email: str, name: str, country: str
    ) -> AccountSnapshot:
        """A recipient account (Accounts v2). The freelancer's id is the key: there is one."""
        with translated():
            made = self._client.v2.core.accounts.create(
                {
                    "contact_email": email,
                    "display_name": name,
                    "dashboard": "express",
                    "identity": {"country": country.lower(), "entity_type": "individual"},
                    "configuration": {
                        "recipient": {
                            "capabilities": {
                                "stripe_balance": {"stripe_transfers": {"requested": True}}
                            }
                        }
                    },
                    "defaults": {
                        "responsibilities": {
                            "fees_collector": "application",
                            "losses_collector": "application",
                        }
                    },
                    "include": [*_ACCOUNT_FIELDS],
                    "metadata": {"freelancer_id": freelancer_id},
                },
                {"idempotency_key": f"account:{freelancer_id}:1"},
            )
        return snapshots.account(made, [])

    def fetch_account(self, account_id: str) -> AccountSnapshot:
        """The account with the bank account behind it, which Accounts v2 does not show and v1
        does.
        """
        with translated():
            found = self._client.v2.core.accounts.retrieve(
                account_id, {"include": [*_ACCOUNT_FIELDS]}
            )
            banks = self._client.v1.accounts.external_accounts.list(account_id, {"limit": 10})
        return snapshots.account(found, list(banks.data))

    def onboarding_url(self, account_id: str, refresh_url: str, return_url: str) -> str:
        """A single-use address at Stripe; made for whoever asks with the freelancer's key, never
        mailed.
        """
        onboarding: AccountLinkCreateParamsUseCaseAccountOnboarding = {
            "refresh_url": refresh_url,
            "return_url": return_url,
        }
        with translated():
            link = self._client.v2.core.account_links.create(
                {
                    "account": account_id,
                    "use_case": {"type": "account_onboarding", "account_onboarding": onboarding},
                }
            )
        return str(link.url)

    def create_transfer(
        self,
        payout_id: str,
        leg: int,
        attempt: int,
        *,
        amount: int,
        currency: str,
        charge_id: str,
        account_id: str,
    ) -> TransferSnapshot:
        """One leg of a payout out of one charge.

        With `source_transaction` it succeeds before the charge is available.
        """
        with translated():
            made = self._client.v1.transfers.create(
                {
                    "amount": amount,
                    "currency": currency.lower(),
                    "destination": account_id,
                    "source_transaction": charge_id,
                    "transfer_group": payout_id,
                    "metadata": {"payout_id": payout_id, "leg": str(leg)},
                },
                {"idempotency_key": f"transfer:{payout_id}:{leg}:{attempt}"},
            )
        return snapshots.transfer(made)

    def find_transfers(self, payout_id: str) -> dict[int, TransferSnapshot]:
        """The legs of a payout that Stripe has: for an outcome that nobody heard."""
        with translated():
            page = self._client.v1.transfers.list({"transfer_group": payout_id, "limit": PAGE})
        return {int(snapshots.metadata(t, "leg") or 0): snapshots.transfer(t) for t in page.data}

    def fetch_transfer(self, transfer_id: str) -> TransferSnapshot:
        with translated():
            return snapshots.transfer(self._client.v1.transfers.retrieve(transfer_id))

    def reverse_transfer(self, transfer_id: str, amount: int, key: str) -> TransferSnapshot:
        """Take a leg back. Answers with Stripe's total."""
        with translated():
            self._client.v1.transfers.reversals.create(
                transfer_id, {"amount": amount}, {"idempotency_key": f"reversal:{key}"}
            )
        return self.fetch_transfer(transfer_id)

    def create_bank_payout(
        self, payout_id: str, attempt: int, *, amount: int, currency: str, account_id: str
    ) -> BankPayoutSnapshot:
        """From the connected account to the bank."""
        with translated():
            made = self._client.v1.payouts.create(
                {
                    "amount": amount,
                    "currency": currency.lower(),
                    "metadata": {"payout_id": payout_id},
                },
                {"idempotency_key": f"payout:{payout_id}:{attempt}", "stripe_account": account_id},
            )
        return snapshots.bank_payout(made)

    def fetch_bank_payout(self, stripe_payout_id: str, account_id: str) -> BankPayoutSnapshot:
        with translated():
            return snapshots.bank_payout(
                self._client.v1.payouts.retrieve(
                    stripe_payout_id, None, {"stripe_account": account_id}
                )
            )

    def find_bank_payout(self, payout_id: str, account_id: str) -> BankPayoutSnapshot | None:
        with translated():
            page = self._client.v1.payouts.list({"limit": PAGE}, {"stripe_account": account_id})
        return next(
            (
                snapshots.bank_payout(p)
                for p in page.data
                if snapshots.metadata(p, "payout_id") == payout_id
            ),
            None,
        )

    def cancel_bank_payout(self, stripe_payout_id: str, account_id: str) -> BankPayoutSnapshot:
        """Stop a payout that has not gone to the bank yet. Raises GatewayRefused once it has."""
        with translated():
            return snapshots.bank_payout(
                self._client.v1.payouts.cancel(
                    stripe_payout_id, None, {"stripe_account": account_id}
                )
            )
