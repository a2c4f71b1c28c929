-- Every release that a duty looked at, from the rows beside the releases; what became of the month's money from the books.
SELECT w.due_id, w.regime, d.month AS month_of, d.due_on, paid.posted_on AS remitted_on, CASE WHEN paid.posted_on IS NOT NULL THEN d.reference END AS reference,
       w.freelancer_id AS payee_id, e.id AS event_id, e.posted_on AS credited_on, k.id AS contract_id, w.currency, w.gross_minor AS gross,
       trim_scale(w.rate::numeric * 100) AS rate_percent, w.share_minor AS share, w.amount_minor AS withheld, w.reason, w.legal_ref
  FROM withholding w JOIN release r ON r.id = w.release_id JOIN contract k ON k.id = r.contract_id JOIN tax_due d ON d.id = w.due_id
  JOIN journal_entry e ON e.kind = 'release' AND e.cause_id = r.id
  LEFT JOIN LATERAL (SELECT g.posted_on FROM ledger_leg g WHERE g.account = 'tax_withheld' AND g.owner = d.id AND g.kind = 'tax_remit'
                        AND g.posted_on <= %(last)s AND g.position <= %(placed)s) paid ON true
 WHERE e.posted_on BETWEEN %(first)s AND %(last)s AND e.position <= %(placed)s AND (%(party)s::uuid IS NULL OR w.freelancer_id = %(party)s)
 ORDER BY w.regime, e.number
