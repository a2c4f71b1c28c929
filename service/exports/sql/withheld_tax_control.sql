-- From the accounts of tax offices, leg by leg.
SELECT g.currency, (-sum(g.amount_minor))::bigint AS withheld
  FROM ledger_leg g JOIN contract k ON k.id = g.contract_id
 WHERE g.account = 'tax_withheld' AND g.kind = 'release' AND g.posted_on BETWEEN %(first)s AND %(last)s AND g.position <= %(placed)s
   AND (%(party)s::uuid IS NULL OR k.freelancer_id = %(party)s)
 GROUP BY 1 ORDER BY 1
