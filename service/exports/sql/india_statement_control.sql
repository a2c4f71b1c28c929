-- From the rows of releases and refunds, past the lines; each in rupees by itself.
WITH fact AS (
    SELECT r.freelancer_id, r.currency, r.gross_minor AS gross, r.fee_minor + r.processing_minor AS fee, r.withheld_minor AS withheld, e.posted_on, e.position
      FROM release r JOIN journal_entry e ON e.kind = 'release' AND e.cause_id = r.id
    UNION ALL
    SELECT k.freelancer_id, f.currency, -f.amount_minor, -(f.amount_minor - f.from_freelancer_minor), 0, e.posted_on, e.position
      FROM refund f JOIN milestone m ON m.id = f.milestone_id JOIN contract k ON k.id = m.contract_id
      JOIN journal_entry e ON e.kind = 'refund_after_release' AND e.cause_id = f.id
), rated AS (
    SELECT f.*, x.rate, coalesce(x.rate, CASE f.currency WHEN 'INR' THEN 1 END) * 10.0 ^ (-(%(exponents)s::jsonb ->> f.currency)::int) AS factor
      FROM fact f JOIN freelancer p ON p.id = f.freelancer_id LEFT JOIN LATERAL fx_on(f.currency, 'INR', f.posted_on, %(as_of)s) x ON f.currency <> 'INR'
     WHERE f.posted_on BETWEEN %(first)s AND %(last)s AND f.position <= %(placed)s AND (f.freelancer_id = %(party)s OR (%(party)s::uuid IS NULL AND p.country = 'IN'))
)
SELECT freelancer_id AS payee_id, currency, sum(gross) AS gross, sum(fee) AS fee, sum(gross - fee) AS net, sum(rate) AS fx_rate, sum(round(gross * factor, 2)) AS gross_inr,
       sum(round(fee * factor, 2)) AS fee_inr, sum(round(gross * factor, 2) - round(fee * factor, 2)) AS net_inr, sum(withheld) AS tax_withheld
  FROM rated GROUP BY 1, 2
