-- Ours from the rows of payments, refunds, transfers and disputes, theirs from Stripe's rows; money of the platform's own by its movements.
WITH theirs AS (
    SELECT p.source, p.currency, sum(p.amount_minor - p.fee_minor) AS minor, min(p.created_at) AS since FROM psp_row p WHERE p.type NOT IN ('topup', 'payout') AND p.seen_at <= %(as_of)s GROUP BY 1, 2
), ours AS (
    SELECT p.charge_id AS source, p.received_currency AS currency, p.received_minor
           - coalesce((SELECT sum(o.amount) FROM journal_entry e JOIN posting o ON o.entry_id = e.id WHERE e.kind = 'fund_processing_fee' AND e.cause_id = p.id AND e.position <= %(placed)s), 0) AS minor, p.succeeded_at AS since
      FROM payment p WHERE p.charge_id IS NOT NULL AND EXISTS (SELECT 1 FROM journal_entry e WHERE e.kind IN ('fund', 'suspend_receipt') AND e.cause_id = p.id AND e.position <= %(placed)s)
    UNION ALL
    SELECT r.stripe_refund_id, r.currency, CASE WHEN EXISTS (SELECT 1 FROM journal_entry e WHERE e.kind IN ('refund_failed', 'refund_bounced') AND e.cause_id = r.id AND e.position <= %(placed)s) THEN 0 ELSE -r.amount_minor END,
           r.created_at FROM refund r WHERE r.stripe_refund_id IS NOT NULL AND r.created_at <= %(as_of)s
    UNION ALL
    SELECT s.transfer_id, o.currency, -s.amount_minor, o.sent_at FROM payout_source s JOIN payout o ON o.id = s.payout_id WHERE s.transfer_id IS NOT NULL AND o.sent_at <= %(as_of)s
    UNION ALL
    SELECT v.id, o.currency, v.amount_minor, v.seen_at FROM transfer_reversal v JOIN payout o ON o.id = v.payout_id WHERE v.seen_at <= %(as_of)s
    UNION ALL
    SELECT b.stripe_dispute_id, b.currency, coalesce((SELECT sum(CASE e.kind WHEN 'chargeback_won' THEN o.amount ELSE -o.amount END) FROM journal_entry e JOIN posting o ON o.entry_id = e.id
                JOIN ledger_account a ON a.id = CASE e.kind WHEN 'chargeback_won' THEN o.debit_account ELSE o.credit_account END AND a.kind IN ('psp_operating', 'psp_trust')
               WHERE e.cause_id = b.id AND e.kind IN ('chargeback_open', 'chargeback_fee', 'chargeback_won') AND e.position <= %(placed)s), 0), b.opened_at FROM chargeback b WHERE b.opened_at <= %(as_of)s
), floats AS (
    SELECT p.currency, CASE e.kind WHEN 'float_in' THEN p.amount ELSE -p.amount END AS minor, e.occurred_at, row_number() OVER (PARTITION BY p.currency, e.kind, p.amount ORDER BY e.number) AS nth
      FROM journal_entry e JOIN posting p ON p.entry_id = e.id WHERE e.kind IN ('float_in', 'float_out') AND e.position <= %(placed)s
), topups AS (
    SELECT p.currency, p.amount_minor AS minor, p.created_at, row_number() OVER (PARTITION BY p.currency, p.amount_minor ORDER BY p.created_at, p.id) AS nth
      FROM psp_row p WHERE p.type IN ('topup', 'payout') AND p.seen_at <= %(as_of)s
), explained AS (
    SELECT x.source, p.currency, CASE a.kind WHEN 'psp_operating' THEN p.amount ELSE -p.amount END AS minor, x.since
      FROM psp_explanation x JOIN journal_entry e ON e.kind = 'psp_difference' AND e.cause_id = x.id AND e.position <= %(placed)s
      JOIN posting p ON p.entry_id = e.id JOIN ledger_account a ON a.id = p.debit_account
), side AS (
    SELECT o.currency, o.minor AS ours, 0 AS theirs, coalesce(t.since, o.since) AS since FROM ours o LEFT JOIN theirs t ON t.source = o.source AND t.currency = o.currency
    UNION ALL SELECT currency, 0, minor, since FROM theirs
    UNION ALL SELECT f.currency, f.minor, 0, coalesce(t.created_at, f.occurred_at) FROM floats f LEFT JOIN topups t ON t.currency = f.currency AND t.minor = f.minor AND t.nth = f.nth
    UNION ALL SELECT currency, 0, minor, created_at FROM topups
    UNION ALL SELECT currency, minor, 0, since FROM explained
)
SELECT currency, sum(ours) AS ours, sum(theirs) AS theirs, sum(theirs) - sum(ours) AS difference FROM side
 WHERE (since AT TIME ZONE %(zone)s)::date BETWEEN %(first)s AND %(last)s AND since <= %(as_of)s GROUP BY 1
