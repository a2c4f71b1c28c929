-- From the accounts' legs and the holds, past the lines.
WITH leg AS (
    SELECT g.*, coalesce((g.occurred_at AT TIME ZONE %(own_zone)s::text)::date, g.posted_on) AS day, coalesce(g.owner_freelancer_id, k.freelancer_id) AS payee_id
      FROM ledger_leg g LEFT JOIN contract k ON k.id = g.contract_id
     WHERE g.position <= %(placed)s AND (%(party)s::uuid IS NULL OR coalesce(g.owner_freelancer_id, k.freelancer_id) = %(party)s)
       AND (g.account IN ('pending', 'available', 'escrow', 'disputed', 'reserve', 'payout_in_flight', 'recoverable', 'tax_withheld')
            OR g.kind IN ('release', 'refund_after_release') AND g.account IN ('platform_fees', 'fee_tax_payable', 'processing_recovered', 'refund_in_flight'))
), told AS (
    SELECT leg.*, day >= %(first)s AS new, account IN ('pending', 'available') AS own,
           -- A leg of the release, turned to the person: gross is what left escrow, what was kept of it went elsewhere.
           CASE WHEN kind = 'release' AND account = 'escrow' THEN 'gross' WHEN kind = 'refund_after_release' AND account = 'refund_in_flight' THEN 'refund'
                WHEN kind IN ('release', 'refund_after_release') AND account = 'platform_fees' THEN 'fee'
                WHEN kind IN ('release', 'refund_after_release') AND account = 'fee_tax_payable' THEN 'tax'
                WHEN kind = 'release' AND account = 'processing_recovered' THEN 'processing' WHEN kind = 'release' AND account = 'tax_withheld' THEN 'withheld' END AS part
      FROM leg WHERE day <= %(last)s
), summed AS (
    SELECT payee_id, currency, -sum(amount_minor) FILTER (WHERE own AND NOT new) AS opening_balance, -sum(amount_minor) FILTER (WHERE own) AS closing_balance,
           sum(amount_minor) FILTER (WHERE new AND part = 'gross') AS gross_released, -sum(amount_minor) FILTER (WHERE new AND part = 'refund') AS refunds_after_release,
           -sum(amount_minor) FILTER (WHERE new AND part = 'fee') AS platform_fees, -sum(amount_minor) FILTER (WHERE new AND part = 'tax') AS fee_tax,
           -sum(amount_minor) FILTER (WHERE new AND part = 'processing') AS processing_cost, -sum(amount_minor) FILTER (WHERE new AND part = 'withheld') AS tax_withheld,
           -sum(amount_minor) FILTER (WHERE new AND own AND kind NOT IN ('release', 'refund_after_release', 'payout_request', 'payout_held', 'payout_returned', 'payout_bounced')) AS moved,
           sum(amount_minor) FILTER (WHERE new AND own AND kind IN ('payout_request', 'payout_held', 'payout_returned', 'payout_bounced')) AS payouts_initiated,
           -sum(amount_minor) FILTER (WHERE new AND own AND kind IN ('payout_returned', 'payout_bounced')) AS payouts_failed,
           sum(amount_minor) FILTER (WHERE new AND account = 'payout_in_flight' AND kind = 'payout_paid') AS payouts_arrived,
           sum(amount_minor) FILTER (WHERE new AND own AND kind = 'confiscate') AS confiscated, -sum(amount_minor) FILTER (WHERE new AND own AND kind IN ('case_remainder', 'restore')) AS returned,
           -sum(amount_minor) FILTER (WHERE new AND account = 'recoverable' AND kind = 'release') AS recovered,
           sum(amount_minor) FILTER (WHERE new AND account = 'recoverable' AND kind IN ('release', 'refund_after_release')) AS debt, sum(amount_minor) FILTER (WHERE account = 'recoverable') AS owed,
           -sum(amount_minor) FILTER (WHERE account = 'payout_in_flight') AS in_transit, -sum(amount_minor) FILTER (WHERE account IN ('escrow', 'disputed')) AS held_in_escrow,
           -sum(amount_minor) FILTER (WHERE account = 'reserve') AS set_aside, count(DISTINCT entry_id) FILTER (WHERE new AND part = 'gross') AS releases,
           count(DISTINCT owner_client_id) FILTER (WHERE new AND part = 'gross') AS clients
      FROM told GROUP BY 1, 2
), line AS (
    SELECT t.payee_id, t.currency, t.part, t.posted_on, -sum(t.amount_minor) AS minor FROM told t
     WHERE t.new AND t.part IS NOT NULL AND t.part <> 'withheld' AND %(home)s::text IS NOT NULL GROUP BY t.payee_id, t.currency, t.part, t.posted_on, t.entry_id
), home AS (
    SELECT l.payee_id, l.currency, -sum(v.amount) FILTER (WHERE l.part = 'gross') AS gross, sum(v.amount) FILTER (WHERE l.part = 'refund') AS refunds,
           sum(v.amount) FILTER (WHERE l.part NOT IN ('gross', 'refund')) AS fees, count(*) FILTER (WHERE v.amount IS NULL) AS without_rate
      FROM line l LEFT JOIN LATERAL fx_on(l.currency, %(home)s, l.posted_on, %(as_of)s) x ON l.currency <> %(home)s
     CROSS JOIN LATERAL (SELECT round(l.minor * CASE l.currency WHEN %(home)s THEN 1 ELSE x.rate END * 10.0 ^ (-(%(exponents)s::jsonb ->> l.currency)::int),
                                      (%(exponents)s::jsonb ->> %(home)s)::int) AS amount) v
     GROUP BY 1, 2
)
SELECT s.payee_id, s.currency, s.opening_balance, s.gross_released, s.refunds_after_release, s.platform_fees, s.fee_tax, s.processing_cost,
       coalesce(s.moved, 0) + coalesce(s.debt, 0) AS other,
       coalesce(s.gross_released, 0) - coalesce(s.refunds_after_release, 0) - coalesce(s.platform_fees, 0) - coalesce(s.fee_tax, 0) - coalesce(s.processing_cost, 0) - coalesce(s.tax_withheld, 0)
       AS net_credited, s.payouts_initiated, s.payouts_arrived, s.closing_balance, s.releases, s.clients, h.gross AS home_gross, h.refunds AS home_refunds, h.fees AS home_fees,
       coalesce(h.gross, 0) - coalesce(h.refunds, 0) - coalesce(h.fees, 0) AS home_net, h.without_rate AS lines_without_rate, s.tax_withheld, s.in_transit, s.held_in_escrow, s.set_aside,
       CASE WHEN EXISTS (SELECT 1 FROM hold h WHERE h.subject_id = s.payee_id AND h.amount_minor IS NULL AND h.scopes ? 'outflow' AND h.starts_at <= %(as_of)s
                            AND (h.starts_at AT TIME ZONE coalesce(%(own_zone)s, %(zone)s))::date <= %(last)s
                            AND NOT coalesce(h.ended_at <= %(as_of)s AND (h.ended_at AT TIME ZONE coalesce(%(own_zone)s, %(zone)s))::date <= %(last)s, false))
            THEN s.closing_balance END AS of_which_frozen, s.confiscated, s.returned AS confiscation_returned, s.recovered, s.owed AS owed_to_platform, s.payouts_failed
  FROM summed s LEFT JOIN home h ON h.payee_id = s.payee_id AND h.currency = s.currency
