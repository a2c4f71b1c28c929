"""The books, payments, payouts, chargebacks, papers with a number, tax, exports."""
