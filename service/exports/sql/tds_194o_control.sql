-- From the rows of releases: the year's sum in rupees by payee, and from it what each release's tax is.
WITH fact AS (
    SELECT r.id, r.freelancer_id, r.currency, r.gross_minor AS gross, t.tin_masked IS NOT NULL AND t.country = 'IN' AS pan, t.seller_kind, x.rate,
           r.gross_minor * 10.0 ^ (-(%(exponents)s::jsonb ->> r.currency)::int) * CASE r.currency WHEN 'INR' THEN 1 ELSE x.rate END AS inr
      FROM release r JOIN journal_entry e ON e.kind = 'release' AND e.cause_id = r.id JOIN freelancer f ON f.id = r.freelancer_id
      LEFT JOIN LATERAL (SELECT i.* FROM tax_identity i WHERE i.freelancer_id = f.id AND i.signed_at <= %(as_of)s ORDER BY i.signed_at DESC LIMIT 1) t ON true
      LEFT JOIN LATERAL fx_on(r.currency, 'INR', e.posted_on, %(as_of)s) x ON r.currency <> 'INR'
     WHERE coalesce(t.country, f.country) = 'IN' AND e.posted_on BETWEEN %(first)s AND %(last)s AND e.position <= %(placed)s
), payee AS (
    SELECT freelancer_id, sum(inr) <= 500000 AND count(*) = count(inr) AS small FROM fact GROUP BY 1
), withheld AS (
    SELECT g.cause_id, -sum(g.amount_minor) AS minor FROM ledger_leg g JOIN tax_due d ON d.id = g.owner AND d.regime = 'in_194o'
     WHERE g.account = 'tax_withheld' AND g.kind = 'release' AND g.position <= %(placed)s GROUP BY 1
)
SELECT f.freelancer_id AS payee_id, f.currency, sum(f.gross) AS gross, sum(CASE WHEN f.pan THEN 0.1 ELSE 5 END) AS rate_percent,
       sum(CASE WHEN f.pan AND f.seller_kind = 'individual' AND p.small THEN 0 WHEN f.pan THEN round(f.gross / 1000.0) ELSE round(f.gross / 20.0) END) AS tds, sum(w.minor) AS withheld,
       sum(round(f.inr, 2)) AS gross_inr,
       sum(CASE WHEN f.pan AND f.seller_kind = 'individual' AND p.small THEN 0 ELSE round(round(f.inr, 2) * CASE WHEN f.pan THEN 1 ELSE 50 END / 1000, 2) END) AS tds_inr
  FROM fact f JOIN payee p ON p.freelancer_id = f.freelancer_id LEFT JOIN withheld w ON w.cause_id = f.id GROUP BY 1, 2
