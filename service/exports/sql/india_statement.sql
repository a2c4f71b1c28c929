WITH line AS (
    SELECT l.party_id, l.entry_id, l.number, l.posted_on, l.kind, l.cause_id, l.contract_id, l.milestone_id, l.currency,
           coalesce(sum(l.amount_minor) FILTER (WHERE l.type = l.kind), 0) AS gross, -coalesce(sum(l.amount_minor) FILTER (WHERE l.type <> l.kind AND l.type NOT IN ('tax_withheld', 'debt', 'recovery')), 0) AS fee,
           -coalesce(sum(l.amount_minor) FILTER (WHERE l.type = 'tax_withheld'), 0) AS withheld
      FROM party_line l JOIN freelancer f ON f.id = l.party_id
     WHERE l.party = 'freelancer' AND l.kind IN ('release', 'refund_after_release') AND l.posted_on BETWEEN %(first)s AND %(last)s AND l.position <= %(placed)s
       AND (l.party_id = %(party)s OR (%(party)s::uuid IS NULL AND f.country = 'IN'))
     GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9
), paid AS (
    -- Payouts whose money has not come back: a hold or a bank may have stopped one before.
    SELECT l.party_id, l.currency, max(l.number) FILTER (WHERE l.type = 'payout') AS number, l.cause_id AS payout_id FROM party_line l
     WHERE l.party = 'freelancer' AND l.type IN ('payout', 'payout_failed', 'payout_held') AND l.posted_on <= %(last)s AND l.position <= %(placed)s
     GROUP BY l.party_id, l.currency, l.cause_id HAVING sum(l.amount_minor) < 0
)
SELECT l.party_id AS payee_id, l.entry_id AS event_id, l.posted_on, l.kind AS type, l.contract_id, l.milestone_id, i.number AS invoice_no, k.client_country, k.client_country AS place_of_supply,
       l.currency, l.gross::bigint AS gross, l.fee::bigint AS fee, (l.gross - l.fee)::bigint AS net, x.rate AS fx_rate, x.rate_date AS fx_rate_date, x.source AS fx_source,
       inr.gross AS gross_inr, inr.fee AS fee_inr, inr.gross - inr.fee AS net_inr, p.payout_id, CASE WHEN o.sent_at <= %(as_of)s THEN o.stripe_payout_id END AS psp_reference,
       (SELECT max(e.posted_on) FROM ledger_leg e WHERE e.account = 'payout_in_flight' AND e.owner = p.payout_id AND e.kind = 'payout_paid' AND e.posted_on <= %(last)s AND e.position <= %(placed)s) AS bank_value_date,
       NULL AS firc_or_fira_no, NULL AS lut_arn, 'P0802' AS purpose_code, l.withheld::bigint AS tax_withheld
  FROM line l JOIN contract k ON k.id = l.contract_id
  LEFT JOIN LATERAL fx_on(l.currency, 'INR', l.posted_on, %(as_of)s) x ON l.currency <> 'INR'
 CROSS JOIN LATERAL (SELECT round(l.gross / 10.0 ^ (%(exponents)s::jsonb ->> l.currency)::int * coalesce(x.rate, CASE l.currency WHEN 'INR' THEN 1 END), 2) AS gross,
                            round(l.fee / 10.0 ^ (%(exponents)s::jsonb ->> l.currency)::int * coalesce(x.rate, CASE l.currency WHEN 'INR' THEN 1 END), 2) AS fee) inr
  LEFT JOIN invoice i ON i.cause_id = l.cause_id AND i.cause_sequence IS NULL AND i.issued_at <= %(as_of)s AND i.kind = CASE l.kind WHEN 'release' THEN 'work' ELSE 'work_credit' END
  LEFT JOIN LATERAL (SELECT p.payout_id FROM paid p WHERE p.party_id = l.party_id AND p.currency = l.currency AND p.number > l.number ORDER BY p.number LIMIT 1) p ON true
  LEFT JOIN payout o ON o.id = p.payout_id
 ORDER BY l.party_id, l.number
