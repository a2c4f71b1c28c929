-- The same three sides from other places: Stripe's rows kind by kind, the books from postings and payouts, what is owed by owner.
WITH told AS (
    SELECT p.*, p.amount_minor - p.fee_minor AS net, EXISTS (SELECT 1 FROM refund r WHERE r.stripe_refund_id = p.source AND r.created_at <= %(as_of)s) AS refund
      FROM psp_row p WHERE (p.created_at AT TIME ZONE %(zone)s)::date <= %(last)s AND p.seen_at <= %(as_of)s
), theirs AS (
    SELECT currency, sum(net) AS platform, sum(CASE WHEN type IN ('transfer', 'transfer_refund') THEN amount_minor ELSE 0 END) AS transferred, sum(net) FILTER (WHERE refund) AS refunded FROM told GROUP BY 1
), moved AS (
    SELECT e.kind AS entry, p.currency, p.amount, d.kind AS debit, c.kind AS credit
      FROM journal_entry e JOIN posting p ON p.entry_id = e.id JOIN ledger_account d ON d.id = p.debit_account JOIN ledger_account c ON c.id = p.credit_account
     WHERE e.posted_on <= %(last)s AND e.position <= %(placed)s
), books AS (
    SELECT currency, sum(amount * ((debit = 'psp_trust')::int - (credit = 'psp_trust')::int)) AS trust, sum(amount * ((debit = 'psp_operating')::int - (credit = 'psp_operating')::int)) AS operating,
           sum(amount * ((credit = 'payout_in_flight')::int - (debit = 'payout_in_flight')::int)) AS payouts,
           sum(amount * (CASE entry WHEN 'payout_paid' THEN 1 WHEN 'payout_bounced' THEN -1 ELSE 0 END)) AS arrived,
           sum(amount * (CASE WHEN entry IN ('refund_succeeded', 'refund_outside') THEN 1 WHEN entry = 'refund_bounced' THEN -1 ELSE 0 END)) AS refunded,
           sum(amount * ((credit = ANY (o.kinds))::int - (debit = ANY (o.kinds))::int)) AS owed
      FROM moved CROSS JOIN (SELECT array_agg(kind) AS kinds FROM chart_account WHERE trust_side = -1) o GROUP BY 1
), named AS (
    SELECT currency, count(*) - count(*) FILTER (WHERE result = 'equal') AS unmatched FROM psp_match_at(%(placed)s, %(as_of)s) WHERE least(since, %(as_of)s) = since AND (since AT TIME ZONE %(zone)s)::date <= %(last)s GROUP BY 1
), side AS (
    SELECT b.*, coalesce(t.platform, 0) AS platform, -coalesce(t.transferred, 0) - b.arrived AS connected, -coalesce(t.refunded, 0) - b.refunded AS on_their_way, coalesce(n.unmatched, 0) AS unmatched
      FROM books b LEFT JOIN theirs t ON t.currency = b.currency LEFT JOIN named n ON n.currency = b.currency
)
SELECT currency, platform AS statement_platform, connected AS statement_connected, platform + connected AS statement_total, operating, platform + connected + on_their_way - operating AS statement_trust,
       on_their_way AS refunds_on_their_way, payouts AS outstanding_payouts, platform + connected + on_their_way - operating - payouts AS adjusted_statement, trust - payouts AS book_trust,
       owed - payouts AS subledger_total, platform + connected + on_their_way - operating - trust AS difference_bank_book, trust - owed AS difference_book_sub, unmatched FROM side
