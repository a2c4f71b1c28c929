WITH line AS (
    SELECT l.party_id, l.currency, l.type, l.kind, l.contract_id, l.amount_minor, l.posted_on,
           coalesce((l.occurred_at AT TIME ZONE %(own_zone)s::text)::date, l.posted_on) < %(first)s AS before
      FROM party_line l
     WHERE l.party = 'freelancer' AND coalesce((l.occurred_at AT TIME ZONE %(own_zone)s::text)::date, l.posted_on) <= %(last)s
       AND l.position <= %(placed)s AND (%(party)s::uuid IS NULL OR l.party_id = %(party)s)
), home AS (
    -- Line by line, rounded, then summed: never the other way round. Fees have their own lines, as in the transaction history.
    SELECT l.party_id, l.currency, l.type, CASE WHEN l.currency = %(home)s THEN 1.0 ELSE x.rate END IS NULL AS no_rate,
           round(l.amount_minor / 10.0 ^ (%(exponents)s::jsonb ->> l.currency)::int * CASE WHEN l.currency = %(home)s THEN 1.0 ELSE x.rate END,
                 (%(exponents)s::jsonb ->> %(home)s)::int) AS amount
      FROM line l LEFT JOIN LATERAL fx_on(l.currency, %(home)s, l.posted_on, %(as_of)s) x ON l.currency <> %(home)s
     WHERE %(home)s::text IS NOT NULL AND NOT l.before
       AND l.type IN ('release', 'refund_after_release', 'platform_fee', 'platform_fee_refund', 'fee_tax', 'fee_tax_refund', 'processing_cost', 'processing_cost_refund')
), at_home AS (
    SELECT party_id, currency, coalesce(sum(amount) FILTER (WHERE type = 'release'), 0) AS home_gross, -coalesce(sum(amount) FILTER (WHERE type = 'refund_after_release'), 0) AS home_refunds,
           -coalesce(sum(amount) FILTER (WHERE type NOT IN ('release', 'refund_after_release')), 0) AS home_fees, count(*) FILTER (WHERE no_rate) AS without_rate
      FROM home GROUP BY 1, 2
), moved AS (
    -- What is theirs, or will be, and stands elsewhere than in pending and available: by the accounts, since no line of theirs is about it.
    SELECT g.owner_freelancer_id AS party_id, g.currency,
           coalesce(sum(g.amount_minor) FILTER (WHERE g.kind = 'payout_paid' AND g.account = 'payout_in_flight'
                                                      AND coalesce((g.occurred_at AT TIME ZONE %(own_zone)s::text)::date, g.posted_on) >= %(first)s), 0)::bigint AS arrived,
           (-coalesce(sum(g.amount_minor) FILTER (WHERE g.account = 'payout_in_flight'), 0))::bigint AS in_transit,
           (-coalesce(sum(g.amount_minor) FILTER (WHERE g.account IN ('escrow', 'disputed')), 0))::bigint AS in_escrow,
           (-coalesce(sum(g.amount_minor) FILTER (WHERE g.account = 'reserve'), 0))::bigint AS set_aside,
           coalesce(sum(g.amount_minor) FILTER (WHERE g.account = 'recoverable'), 0)::bigint AS owed
      FROM ledger_leg g
     WHERE g.account IN ('payout_in_flight', 'escrow', 'disputed', 'reserve', 'recoverable') AND g.position <= %(placed)s
       AND coalesce((g.occurred_at AT TIME ZONE %(own_zone)s::text)::date, g.posted_on) <= %(last)s AND (%(party)s::uuid IS NULL OR g.owner_freelancer_id = %(party)s)
     GROUP BY 1, 2
), summed AS (
    SELECT l.party_id, l.currency,
           coalesce(sum(amount_minor) FILTER (WHERE before), 0) AS opening,
           coalesce(sum(amount_minor) FILTER (WHERE NOT before AND type = 'release'), 0) AS gross,
           -coalesce(sum(amount_minor) FILTER (WHERE NOT before AND type = 'refund_after_release'), 0) AS refunds,
           -coalesce(sum(amount_minor) FILTER (WHERE NOT before AND type IN ('platform_fee', 'platform_fee_refund')), 0) AS fees,
           -coalesce(sum(amount_minor) FILTER (WHERE NOT before AND type IN ('fee_tax', 'fee_tax_refund')), 0) AS tax,
           -coalesce(sum(amount_minor) FILTER (WHERE NOT before AND type IN ('processing_cost', 'processing_cost_refund')), 0) AS processing,
           -coalesce(sum(amount_minor) FILTER (WHERE NOT before AND type = 'tax_withheld'), 0) AS withheld,
           -coalesce(sum(amount_minor) FILTER (WHERE NOT before AND type IN ('payout', 'payout_failed', 'payout_held')), 0) AS payouts,
           coalesce(sum(amount_minor) FILTER (WHERE NOT before AND type = 'payout_failed'), 0) AS failed,
           -coalesce(sum(amount_minor) FILTER (WHERE NOT before AND type = 'confiscation'), 0) AS confiscated,
           coalesce(sum(amount_minor) FILTER (WHERE NOT before AND type = 'confiscation_returned'), 0) AS returned,
           -coalesce(sum(amount_minor) FILTER (WHERE NOT before AND type = 'recovery'), 0) AS recovered,
           coalesce(sum(amount_minor), 0) AS closing,
           count(*) FILTER (WHERE NOT before AND type = 'release') AS releases,
           count(DISTINCT k.client_id) FILTER (WHERE NOT before AND type = 'release') AS clients
      FROM line l LEFT JOIN contract k ON k.id = l.contract_id GROUP BY 1, 2
), frozen AS (
    SELECT DISTINCT h.subject_id AS party_id FROM hold h
     WHERE h.amount_minor IS NULL AND h.scopes ? 'outflow' AND h.starts_at <= %(as_of)s AND (h.starts_at AT TIME ZONE coalesce(%(own_zone)s, %(zone)s))::date <= %(last)s
       AND (h.ended_at IS NULL OR h.ended_at > %(as_of)s OR (h.ended_at AT TIME ZONE coalesce(%(own_zone)s, %(zone)s))::date > %(last)s)
), named AS (
    SELECT party_id, currency FROM summed UNION SELECT party_id, currency FROM moved WHERE party_id IS NOT NULL AND (in_escrow <> 0 OR in_transit <> 0 OR set_aside <> 0 OR owed <> 0)
)
SELECT n.party_id AS payee_id, f.display_name AS payee, f.country, %(first)s::date AS period_start, %(last)s::date AS period_end, n.currency,
       coalesce(opening, 0)::bigint AS opening_balance, coalesce(gross, 0)::bigint AS gross_released, coalesce(refunds, 0)::bigint AS refunds_after_release,
       coalesce(fees, 0)::bigint AS platform_fees, coalesce(tax, 0)::bigint AS fee_tax, coalesce(processing, 0)::bigint AS processing_cost,
       coalesce(closing - opening - (gross - refunds - fees - tax - processing - withheld) + payouts, 0)::bigint AS other,
       coalesce(gross - refunds - fees - tax - processing - withheld, 0)::bigint AS net_credited, coalesce(payouts, 0)::bigint AS payouts_initiated, coalesce(m.arrived, 0) AS payouts_arrived,
       coalesce(closing, 0)::bigint AS closing_balance, coalesce(releases, 0) AS releases, coalesce(clients, 0) AS clients, %(home)s::text AS home_currency,
       round(h.home_gross, z.digits) AS home_gross, round(h.home_refunds, z.digits) AS home_refunds,
       round(h.home_fees, z.digits) AS home_fees, round(h.home_gross - h.home_refunds - h.home_fees, z.digits) AS home_net, h.without_rate AS lines_without_rate,
       coalesce(withheld, 0)::bigint AS tax_withheld, coalesce(m.in_transit, 0) AS in_transit, coalesce(m.in_escrow, 0) AS held_in_escrow, coalesce(m.set_aside, 0) AS set_aside,
       CASE WHEN q.party_id IS NULL THEN 0 ELSE coalesce(closing, 0) END::bigint AS of_which_frozen, coalesce(confiscated, 0)::bigint AS confiscated,
       coalesce(returned, 0)::bigint AS confiscation_returned, coalesce(recovered, 0)::bigint AS recovered, coalesce(m.owed, 0) AS owed_to_platform, coalesce(failed, 0)::bigint AS payouts_failed
  FROM named n JOIN freelancer f ON f.id = n.party_id
  LEFT JOIN summed s ON s.party_id = n.party_id AND s.currency = n.currency
  LEFT JOIN moved m ON m.party_id = n.party_id AND m.currency = n.currency
  LEFT JOIN frozen q ON q.party_id = n.party_id
  CROSS JOIN (SELECT (%(exponents)s::jsonb ->> %(home)s)::int AS digits) z
  LEFT JOIN at_home h ON h.party_id = n.party_id AND h.currency = n.currency
 ORDER BY n.party_id, n.currency
