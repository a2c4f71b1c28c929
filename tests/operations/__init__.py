"""What each operation guarantees: one verb a file, called directly, on PostgreSQL with money in it.

The stage is a contract of 100.00 USD with one milestone, paid and in escrow; see `stage`.
"""
