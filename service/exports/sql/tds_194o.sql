WITH released AS (
    SELECT l.party_id, l.entry_id, l.cause_id, l.number, l.posted_on, l.currency, l.amount_minor, t.tin_masked IS NOT NULL AND t.country = 'IN' AS pan, t.seller_kind,
           sum(z.exact) OVER (PARTITION BY l.party_id) AS year_inr, bool_or(z.exact IS NULL) OVER (PARTITION BY l.party_id) AS no_rate,
           round(z.exact, 2) AS inr
      FROM party_line l JOIN freelancer f ON f.id = l.party_id
      LEFT JOIN LATERAL (SELECT * FROM tax_identity t WHERE t.freelancer_id = f.id AND t.signed_at <= %(as_of)s ORDER BY t.signed_at DESC LIMIT 1) t ON true
      LEFT JOIN LATERAL fx_on(l.currency, 'INR', l.posted_on, %(as_of)s) x ON l.currency <> 'INR'
      -- The tax office is told in rupees; without a rate there is no figure to tell.
     CROSS JOIN LATERAL (SELECT l.amount_minor / 10.0 ^ (%(exponents)s::jsonb ->> l.currency)::int * CASE l.currency WHEN 'INR' THEN 1 ELSE x.rate END AS exact) z
     WHERE l.party = 'freelancer' AND l.type = 'release' AND coalesce(t.country, f.country) = 'IN' AND l.posted_on BETWEEN %(first)s AND %(last)s AND l.position <= %(placed)s
), rated AS (
    SELECT r.*, CASE WHEN pan THEN 0.1 ELSE 5 END AS rate, pan AND seller_kind = 'individual' AND NOT no_rate AND year_inr <= 500000 AS exempt FROM released r
)
SELECT party_id AS payee_id, entry_id AS event_id, posted_on AS credited_on, currency, amount_minor::bigint AS gross, CASE WHEN pan THEN 'given' ELSE 'missing' END AS pan_status,
       rate AS rate_percent, CASE WHEN exempt THEN 0 ELSE round(amount_minor * rate / 100) END::bigint AS tds, CASE WHEN exempt THEN 'below_500000_inr' END AS exempt_reason,
       coalesce((SELECT CASE WHEN d.in_scope THEN 'yes' ELSE 'no' END FROM tax_scope d WHERE d.regime = 'in_194o' AND d.decided_at <= %(as_of)s ORDER BY d.decided_at DESC LIMIT 1), 'undecided') AS in_scope,
       coalesce((SELECT w.amount_minor FROM withholding w WHERE w.regime = 'in_194o' AND w.release_id = cause_id), 0) AS withheld,
       inr AS gross_inr, CASE WHEN exempt THEN 0.00 ELSE round(inr * rate / 100, 2) END AS tds_inr
  FROM rated ORDER BY party_id, number
