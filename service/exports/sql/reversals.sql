WITH reversal AS (
    -- What the client got back or the bank pulled, gave back, or took for good: by the account of the refund or the chargeback alone.
    SELECT g.entry_id, g.number, g.posted_on, g.kind, g.cause_id, coalesce(g.contract_id, (array_agg(g.owner_contract_id) FILTER (WHERE g.owner_contract_id IS NOT NULL))[1]) AS contract_id, g.currency,
           -- What the bank gave back is what reached Stripe: a case may have paid for a part of it.
           abs(sum(g.amount_minor) FILTER (WHERE CASE g.kind WHEN 'chargeback_won' THEN g.account IN ('psp_operating', 'psp_trust') ELSE g.account IN ('refund_in_flight', 'chargeback_receivable') END)) AS gross,
           coalesce(sum(g.amount_minor) FILTER (WHERE g.kind = 'refund_after_release' AND g.account IN ('platform_fees', 'fee_tax_payable')), 0) AS fee
      FROM ledger_leg g WHERE g.kind IN ('refund_after_release', 'chargeback_open', 'chargeback_won', 'chargeback_lost')
       AND g.posted_on BETWEEN %(first)s AND %(last)s AND g.position <= %(placed)s GROUP BY g.entry_id, g.number, g.posted_on, g.kind, g.cause_id, g.contract_id, g.currency
), original AS (
    SELECT r.*, o.id AS original_id, o.posted_on AS original_on
      FROM reversal r LEFT JOIN LATERAL (
          SELECT e.id, e.posted_on FROM journal_entry e
           WHERE (r.kind = 'refund_after_release' AND e.kind = 'release' AND e.number < r.number
                  AND e.cause_id IN (SELECT x.id FROM release x JOIN refund f ON f.milestone_id = x.milestone_id WHERE f.id = r.cause_id))
              OR (r.kind IN ('chargeback_open', 'chargeback_won', 'chargeback_lost') AND e.kind = 'fund'
                  AND e.cause_id = (SELECT b.payment_id FROM chargeback b WHERE b.id = r.cause_id))
           ORDER BY e.number DESC LIMIT 1) o ON true
)
SELECT entry_id AS reversal_event, posted_on AS reversal_posted_on, kind, original_id AS original_event, original_on AS original_posted_on, extract(year FROM original_on)::int AS original_year,
       CASE WHEN extract(year FROM original_on) <> extract(year FROM posted_on) THEN 'yes' ELSE 'no' END AS crosses_years, contract_id, currency, gross::bigint AS gross,
       fee::bigint AS fee, (gross - fee)::bigint AS net, 'no' AS affects_1099k, CASE kind WHEN 'refund_after_release' THEN 'corrects_original' ELSE 'no' END AS affects_dac7,
       extract(year FROM posted_on)::int AS affects_p_and_l_year
  FROM original ORDER BY number
