-- Stripe's own rows against the books against what is owed, per currency, at the end of a day.
WITH row AS (
    SELECT currency, sum(amount_minor - fee_minor)::bigint AS platform, (-coalesce(sum(amount_minor) FILTER (WHERE type IN ('transfer', 'transfer_refund')), 0))::bigint AS sent
      FROM psp_row WHERE (created_at AT TIME ZONE %(zone)s)::date <= %(last)s AND seen_at <= %(as_of)s GROUP BY 1
), leg AS (
    SELECT currency,
           coalesce(sum(amount_minor) FILTER (WHERE account = 'psp_trust'), 0)::bigint AS trust, coalesce(sum(amount_minor) FILTER (WHERE account = 'psp_operating'), 0)::bigint AS operating,
           (-coalesce(sum(amount_minor) FILTER (WHERE account = 'payout_in_flight'), 0))::bigint AS payouts, (-coalesce(sum(amount_minor) FILTER (WHERE account = 'refund_in_flight'), 0))::bigint AS refunds,
           (-coalesce(sum(amount_minor) FILTER (WHERE c.trust_side = -1), 0))::bigint AS owed,
           coalesce(sum(-amount_minor) FILTER (WHERE g.kind IN ('payout_paid', 'payout_bounced') AND account = 'psp_trust'), 0)::bigint AS arrived
      FROM ledger_leg g JOIN chart_account c ON c.kind = g.account WHERE posted_on <= %(last)s AND position <= %(placed)s GROUP BY 1
), sent_refunds AS (
    -- Stripe takes a refund's money at once, the books when the client has it.
    SELECT r.currency, sum(r.amount_minor)::bigint AS amount FROM refund r JOIN psp_row p ON p.source = r.stripe_refund_id AND p.type = 'refund'
     WHERE (p.created_at AT TIME ZONE %(zone)s)::date <= %(last)s AND p.seen_at <= %(as_of)s
       AND NOT EXISTS (SELECT 1 FROM journal_entry e WHERE e.kind IN ('refund_succeeded', 'refund_failed') AND e.cause_id = r.id AND e.posted_on <= %(last)s) GROUP BY 1
)
SELECT %(last)s::date AS as_of, l.currency, coalesce(r.platform, 0) AS statement_platform, coalesce(r.sent, 0) - l.arrived AS statement_connected,
       coalesce(r.platform, 0) + coalesce(r.sent, 0) - l.arrived AS statement_total, l.operating,
       coalesce(r.platform, 0) + coalesce(r.sent, 0) - l.arrived + coalesce(s.amount, 0) - l.operating AS statement_trust, coalesce(s.amount, 0) AS refunds_on_their_way,
       l.payouts AS outstanding_payouts, coalesce(r.platform, 0) + coalesce(r.sent, 0) - l.arrived + coalesce(s.amount, 0) - l.operating - l.payouts AS adjusted_statement,
       l.trust - l.payouts AS book_trust, l.owed - l.payouts AS subledger_total,
       coalesce(r.platform, 0) + coalesce(r.sent, 0) - l.arrived + coalesce(s.amount, 0) - l.operating - l.trust AS difference_bank_book, l.trust - l.owed AS difference_book_sub,
       (SELECT count(*) FROM psp_match m WHERE m.currency = l.currency AND m.result <> 'equal' AND (m.since AT TIME ZONE %(zone)s)::date <= %(last)s AND m.since <= %(as_of)s) AS unmatched
  FROM leg l LEFT JOIN row r ON r.currency = l.currency LEFT JOIN sent_refunds s ON s.currency = l.currency
 ORDER BY l.currency
