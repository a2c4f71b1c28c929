"""Amounts, fees, the chart of accounts, and what the payment processor says."""
