-- What releases and refunds put into the accounts of fees and of the tax on them, entry by entry: a fee without its invoice,
-- or one of another amount, stops the export. Papers about work are what the releases and refunds say, to the cent.
WITH booked AS (
    SELECT g.cause_id, g.currency, CASE g.kind WHEN 'release' THEN 'fee' ELSE 'fee_credit' END AS kind,
           -coalesce(sum(g.amount_minor) FILTER (WHERE g.account = 'platform_fees'), 0) AS net, -coalesce(sum(g.amount_minor) FILTER (WHERE g.account = 'fee_tax_payable'), 0) AS tax
      FROM ledger_leg g JOIN contract k ON k.id = g.contract_id
     WHERE g.account IN ('platform_fees', 'fee_tax_payable') AND g.kind IN ('release', 'refund_after_release')
       AND g.posted_on BETWEEN %(first)s AND %(last)s AND g.position <= %(placed)s AND (%(party)s::uuid IS NULL OR k.freelancer_id = %(party)s)
     GROUP BY 1, 2, 3
), worked AS (
    SELECT e.cause_id, coalesce(r.currency, f.currency) AS currency, CASE e.kind WHEN 'release' THEN 'work' ELSE 'work_credit' END AS kind, coalesce(r.gross_minor, f.amount_minor) AS total
      FROM journal_entry e JOIN contract k ON k.id = e.contract_id LEFT JOIN release r ON r.id = e.cause_id LEFT JOIN refund f ON f.id = e.cause_id
     WHERE e.kind IN ('release', 'refund_after_release') AND e.posted_on BETWEEN %(first)s AND %(last)s AND e.position <= %(placed)s AND (%(party)s::uuid IS NULL OR k.freelancer_id = %(party)s)
), paper AS (
    SELECT i.cause_id, i.currency, i.kind, count(*) AS papers, sum(i.net_minor) AS net, sum(i.tax_minor) AS tax, sum(i.total_minor) AS total FROM invoice i GROUP BY 1, 2, 3
)
SELECT coalesce(p.kind, b.kind) AS kind, coalesce(p.currency, b.currency) AS currency, sum(p.papers * CASE WHEN b.kind = 'fee' THEN 380 ELSE 381 END) AS type_code,
       sum(abs(b.net)) AS net, sum(abs(b.tax)) AS tax, sum(abs(b.net + b.tax)) AS total, sum(b.net + b.tax) AS fee_effect
  FROM booked b LEFT JOIN paper p ON p.cause_id = b.cause_id AND p.currency = b.currency AND p.kind = b.kind WHERE b.net + b.tax <> 0 GROUP BY 1, 2
UNION ALL
SELECT w.kind, w.currency, sum(p.papers * CASE WHEN w.kind = 'work' THEN 380 ELSE 381 END), sum(w.total - p.tax), sum(w.total - p.net), sum(w.total), 0
  FROM worked w JOIN paper p ON p.cause_id = w.cause_id AND p.currency = w.currency AND p.kind = w.kind GROUP BY 1, 2
