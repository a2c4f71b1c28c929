"""The books beside Stripe, closing a month, invoices, exports, rates of exchange."""
