-- From the accounts of tax offices, leg by leg, and what left escrow by the releases that a duty looked at.
SELECT w.due_id, w.freelancer_id AS payee_id, w.currency, sum(l.gross) AS gross, sum(trim_scale(w.rate::numeric) * 100) AS rate_percent, sum(w.share_minor) AS share, sum(coalesce(t.withheld, 0)) AS withheld
  FROM withholding w
  JOIN (SELECT g.cause_id, sum(g.amount_minor) AS gross FROM ledger_leg g WHERE g.kind = 'release' AND g.account = 'escrow' AND g.posted_on BETWEEN %(first)s AND %(last)s AND g.position <= %(placed)s GROUP BY 1) l
    ON l.cause_id = w.release_id
  LEFT JOIN (SELECT g.cause_id, g.owner, -sum(g.amount_minor) AS withheld FROM ledger_leg g WHERE g.kind = 'release' AND g.account = 'tax_withheld' AND g.position <= %(placed)s GROUP BY 1, 2) t
    ON t.cause_id = w.release_id AND t.owner = w.due_id
 WHERE %(party)s::uuid IS NULL OR w.freelancer_id = %(party)s GROUP BY 1, 2, 3
