"""What finance, freelancers, clients and auditors take away: every export is columns, one
statement, and checks of its own.

Read-only. Two cut-offs everywhere: the period, on the day in the books (`posted_on`), and what was
known at an instant (`recorded_at`), so that the same question about a past period has the same
answer for ever.
"""
