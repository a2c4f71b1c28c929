-- From the balances' side: what the parties' accounts changed by, leg by leg.
SELECT g.currency, (-sum(g.amount_minor))::bigint AS amount
  FROM ledger_leg g
  LEFT JOIN milestone m ON g.account IN ('escrow', 'disputed') AND m.id = g.owner
  LEFT JOIN contract k ON k.id = m.contract_id
 WHERE g.account IN ('pending', 'available', 'escrow', 'disputed') AND g.posted_on BETWEEN %(first)s AND %(last)s AND g.position <= %(placed)s
   AND (%(party)s::uuid IS NULL OR CASE WHEN g.account IN ('pending', 'available') THEN g.owner ELSE k.client_id END = %(party)s)
 GROUP BY 1 ORDER BY 1
