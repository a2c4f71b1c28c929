"""Money in, back and out: payments, refunds, chargebacks, payouts, and where it is."""
