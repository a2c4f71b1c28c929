"""Fees, payouts, papers, exports, tax, differences."""
