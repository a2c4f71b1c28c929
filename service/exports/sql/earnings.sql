WITH line AS (
    SELECT party_id, currency, type, contract_id, amount_minor, posted_on, posted_on < %(first)s AS before
      FROM party_line
     WHERE party = 'freelancer' AND posted_on <= %(last)s AND position <= %(placed)s AND (%(party)s::uuid IS NULL OR party_id = %(party)s)
), home AS (
    -- Line by line, rounded, then summed: never the other way round. Fees have their own lines, as in the transaction history.
    SELECT l.party_id, l.currency, l.type, CASE WHEN l.currency = %(home)s THEN 1.0 ELSE x.rate END IS NULL AS no_rate,
           round(l.amount_minor / 10.0 ^ (%(exponents)s::jsonb ->> l.currency)::int * CASE WHEN l.currency = %(home)s THEN 1.0 ELSE x.rate END,
                 (%(exponents)s::jsonb ->> %(home)s)::int) AS amount
      FROM line l LEFT JOIN LATERAL fx_on(l.currency, %(home)s, l.posted_on, %(as_of)s) x ON l.currency <> %(home)s
     WHERE %(home)s IS NOT NULL AND NOT l.before
       AND l.type IN ('release', 'refund_after_release', 'platform_fee', 'platform_fee_refund', 'fee_tax', 'fee_tax_refund', 'processing_cost', 'processing_cost_refund')
), at_home AS (
    SELECT party_id, currency, coalesce(sum(amount) FILTER (WHERE type = 'release'), 0) AS home_gross, -coalesce(sum(amount) FILTER (WHERE type = 'refund_after_release'), 0) AS home_refunds,
           -coalesce(sum(amount) FILTER (WHERE type NOT IN ('release', 'refund_after_release')), 0) AS home_fees, count(*) FILTER (WHERE no_rate) AS without_rate
      FROM home GROUP BY 1, 2
), arrived AS (
    SELECT o.freelancer_id, o.currency, sum(p.amount)::bigint AS amount
      FROM journal_entry e JOIN posting p ON p.entry_id = e.id JOIN ledger_account a ON a.id = p.debit_account JOIN payout o ON o.id = a.owner
     WHERE e.kind = 'payout_paid' AND e.posted_on BETWEEN %(first)s AND %(last)s AND e.position <= %(placed)s GROUP BY 1, 2
), summed AS (
    SELECT l.party_id, l.currency,
           coalesce(sum(amount_minor) FILTER (WHERE before), 0) AS opening,
           coalesce(sum(amount_minor) FILTER (WHERE NOT before AND type = 'release'), 0) AS gross,
           -coalesce(sum(amount_minor) FILTER (WHERE NOT before AND type = 'refund_after_release'), 0) AS refunds,
           -coalesce(sum(amount_minor) FILTER (WHERE NOT before AND type IN ('platform_fee', 'platform_fee_refund')), 0) AS fees,
           -coalesce(sum(amount_minor) FILTER (WHERE NOT before AND type IN ('fee_tax', 'fee_tax_refund')), 0) AS tax,
           -coalesce(sum(amount_minor) FILTER (WHERE NOT before AND type IN ('processing_cost', 'processing_cost_refund')), 0) AS processing,
           -coalesce(sum(amount_minor) FILTER (WHERE NOT before AND type = 'tax_withheld'), 0) AS withheld,
           -coalesce(sum(amount_minor) FILTER (WHERE NOT before AND type IN ('payout', 'payout_failed')), 0) AS payouts,
           coalesce(sum(amount_minor), 0) AS closing,
           count(*) FILTER (WHERE NOT before AND type = 'release') AS releases,
           count(DISTINCT k.client_id) FILTER (WHERE NOT before AND type = 'release') AS clients
      FROM line l LEFT JOIN contract k ON k.id = l.contract_id GROUP BY 1, 2
)
SELECT s.party_id AS payee_id, f.display_name AS payee, f.country, %(first)s::date AS period_start, %(last)s::date AS period_end, s.currency,
       opening::bigint AS opening_balance, gross::bigint AS gross_released, refunds::bigint AS refunds_after_release, fees::bigint AS platform_fees, tax::bigint AS fee_tax,
       processing::bigint AS processing_cost, (closing - opening - (gross - refunds - fees - tax - processing - withheld) + payouts)::bigint AS other,
       (gross - refunds - fees - tax - processing - withheld)::bigint AS net_credited, payouts::bigint AS payouts_initiated, coalesce(a.amount, 0) AS payouts_arrived,
       closing::bigint AS closing_balance, releases, clients, %(home)s::text AS home_currency, round(h.home_gross, z.digits) AS home_gross, round(h.home_refunds, z.digits) AS home_refunds,
       round(h.home_fees, z.digits) AS home_fees, round(h.home_gross - h.home_refunds - h.home_fees, z.digits) AS home_net, h.without_rate AS lines_without_rate, withheld::bigint AS tax_withheld
  FROM summed s JOIN freelancer f ON f.id = s.party_id LEFT JOIN arrived a ON a.freelancer_id = s.party_id AND a.currency = s.currency
  CROSS JOIN (SELECT (%(exponents)s::jsonb ->> %(home)s)::int AS digits) z
  LEFT JOIN at_home h ON h.party_id = s.party_id AND h.currency = s.currency
 ORDER BY s.party_id, s.currency
