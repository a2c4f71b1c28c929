WITH line AS (
    SELECT party_id, currency, type, contract_id, amount_minor, posted_on < %(first)s AS before
      FROM party_line
     WHERE party = 'freelancer' AND posted_on <= %(last)s AND recorded_at <= %(as_of)s AND (%(party)s::uuid IS NULL OR party_id = %(party)s)
), arrived AS (
    SELECT o.freelancer_id, o.currency, sum(p.amount)::bigint AS amount
      FROM journal_entry e JOIN posting p ON p.entry_id = e.id JOIN ledger_account a ON a.id = p.debit_account JOIN payout o ON o.id = a.owner
     WHERE e.kind = 'payout_paid' AND e.posted_on BETWEEN %(first)s AND %(last)s AND e.recorded_at <= %(as_of)s GROUP BY 1, 2
), summed AS (
    SELECT l.party_id, l.currency,
           coalesce(sum(amount_minor) FILTER (WHERE before), 0) AS opening,
           coalesce(sum(amount_minor) FILTER (WHERE NOT before AND type = 'release'), 0) AS gross,
           -coalesce(sum(amount_minor) FILTER (WHERE NOT before AND type = 'refund_after_release'), 0) AS refunds,
           -coalesce(sum(amount_minor) FILTER (WHERE NOT before AND type IN ('platform_fee', 'platform_fee_refund')), 0) AS fees,
           -coalesce(sum(amount_minor) FILTER (WHERE NOT before AND type IN ('fee_tax', 'fee_tax_refund')), 0) AS tax,
           -coalesce(sum(amount_minor) FILTER (WHERE NOT before AND type IN ('processing_cost', 'processing_cost_refund')), 0) AS processing,
           -coalesce(sum(amount_minor) FILTER (WHERE NOT before AND type IN ('payout', 'payout_failed')), 0) AS payouts,
           coalesce(sum(amount_minor), 0) AS closing,
           count(*) FILTER (WHERE NOT before AND type = 'release') AS releases,
           count(DISTINCT k.client_id) FILTER (WHERE NOT before AND type = 'release') AS clients
      FROM line l LEFT JOIN contract k ON k.id = l.contract_id GROUP BY 1, 2
)
SELECT s.party_id AS payee_id, f.display_name AS payee, f.country, %(first)s::date AS period_start, %(last)s::date AS period_end, s.currency,
       opening::bigint AS opening_balance, gross::bigint AS gross_released, refunds::bigint AS refunds_after_release, fees::bigint AS platform_fees, tax::bigint AS fee_tax,
       processing::bigint AS processing_cost, (closing - opening - (gross - refunds - fees - tax - processing) + payouts)::bigint AS other,
       (gross - refunds - fees - tax - processing)::bigint AS net_credited, payouts::bigint AS payouts_initiated, coalesce(a.amount, 0) AS payouts_arrived,
       closing::bigint AS closing_balance, releases, clients
  FROM summed s JOIN freelancer f ON f.id = s.party_id LEFT JOIN arrived a ON a.freelancer_id = s.party_id AND a.currency = s.currency
 ORDER BY s.party_id, s.currency
