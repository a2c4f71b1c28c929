-- Refunds and chargebacks as rows, and the books' own figure for how a chargeback ended.
WITH fact AS (
    SELECT f.currency, f.amount_minor AS minor, e.posted_on, e.position FROM refund f JOIN journal_entry e ON e.kind = 'refund_after_release' AND e.cause_id = f.id
    UNION ALL
    SELECT p.currency, sum(p.amount), e.posted_on, e.position FROM journal_entry e JOIN posting p ON p.entry_id = e.id
     WHERE e.kind IN ('chargeback_open', 'chargeback_won', 'chargeback_lost') GROUP BY e.id, p.currency, e.posted_on, e.position
)
SELECT currency, sum(minor)::bigint AS gross FROM fact WHERE posted_on BETWEEN %(first)s AND %(last)s AND position <= %(placed)s GROUP BY 1 ORDER BY 1
