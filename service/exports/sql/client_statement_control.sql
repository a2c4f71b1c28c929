SELECT g.currency, coalesce(-sum(g.amount_minor) FILTER (WHERE g.kind = 'fund' AND g.posted_on >= %(first)s), 0)::bigint AS funded, (-sum(g.amount_minor))::bigint AS held_closing
  FROM ledger_leg g JOIN milestone m ON m.id = g.owner JOIN contract k ON k.id = m.contract_id
 WHERE g.account IN ('escrow', 'disputed') AND g.posted_on <= %(last)s AND g.position <= %(placed)s AND (%(party)s::uuid IS NULL OR k.client_id = %(party)s)
 GROUP BY 1 ORDER BY 1
