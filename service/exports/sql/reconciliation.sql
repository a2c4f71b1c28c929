-- Stripe's own rows against the books against what is owed, per currency, at the end of a day, as known at an instant.
WITH row AS (
    SELECT currency, sum(amount_minor - fee_minor)::bigint AS platform, (-coalesce(sum(amount_minor) FILTER (WHERE type IN ('transfer', 'transfer_refund')), 0))::bigint AS sent
      FROM psp_row WHERE (created_at AT TIME ZONE %(zone)s)::date <= %(last)s AND seen_at <= %(as_of)s GROUP BY 1
), leg AS (
    SELECT currency,
           coalesce(sum(amount_minor) FILTER (WHERE account = 'psp_trust'), 0)::bigint AS trust, coalesce(sum(amount_minor) FILTER (WHERE account = 'psp_operating'), 0)::bigint AS operating,
           (-coalesce(sum(amount_minor) FILTER (WHERE account = 'payout_in_flight'), 0))::bigint AS payouts,
           (-coalesce(sum(amount_minor) FILTER (WHERE c.trust_side = -1), 0))::bigint AS owed,
           coalesce(sum(-amount_minor) FILTER (WHERE g.kind IN ('payout_paid', 'payout_bounced') AND account = 'psp_trust'), 0)::bigint AS arrived
      FROM ledger_leg g JOIN chart_account c ON c.kind = g.account WHERE posted_on <= %(last)s AND position <= %(placed)s GROUP BY 1
), refunds AS (
    -- Stripe takes a refund's money at once, the books when the client has it; and when it comes back, the other way round.
    SELECT currency, sum(minor)::bigint AS amount FROM (
        SELECT r.currency, p.fee_minor - p.amount_minor AS minor FROM psp_row p JOIN refund r ON r.stripe_refund_id = p.source
         WHERE (p.created_at AT TIME ZONE %(zone)s)::date <= %(last)s AND p.seen_at <= %(as_of)s AND r.created_at <= %(as_of)s
        UNION ALL
        SELECT g.currency, g.amount_minor FROM ledger_leg g
         WHERE g.kind IN ('refund_succeeded', 'refund_bounced', 'refund_outside') AND g.account IN ('psp_trust', 'psp_operating') AND g.posted_on <= %(last)s AND g.position <= %(placed)s
    ) moved GROUP BY 1
)
SELECT %(last)s::date AS as_of, l.currency, coalesce(r.platform, 0) AS statement_platform, coalesce(r.sent, 0) - l.arrived AS statement_connected,
       coalesce(r.platform, 0) + coalesce(r.sent, 0) - l.arrived AS statement_total, l.operating,
       coalesce(r.platform, 0) + coalesce(r.sent, 0) - l.arrived + coalesce(s.amount, 0) - l.operating AS statement_trust, coalesce(s.amount, 0) AS refunds_on_their_way,
       l.payouts AS outstanding_payouts, coalesce(r.platform, 0) + coalesce(r.sent, 0) - l.arrived + coalesce(s.amount, 0) - l.operating - l.payouts AS adjusted_statement,
       l.trust - l.payouts AS book_trust, l.owed - l.payouts AS subledger_total,
       coalesce(r.platform, 0) + coalesce(r.sent, 0) - l.arrived + coalesce(s.amount, 0) - l.operating - l.trust AS difference_bank_book, l.trust - l.owed AS difference_book_sub,
       coalesce(u.unmatched, 0) AS unmatched
  FROM leg l LEFT JOIN row r ON r.currency = l.currency LEFT JOIN refunds s ON s.currency = l.currency
  LEFT JOIN (SELECT m.currency, count(*) AS unmatched FROM psp_match_at(%(placed)s, %(as_of)s) m
              WHERE m.result <> 'equal' AND (m.since AT TIME ZONE %(zone)s)::date <= %(last)s AND m.since <= %(as_of)s GROUP BY 1) u ON u.currency = l.currency
 ORDER BY l.currency
