-- What went into the account of payouts on their way, past the people's lines.
SELECT g.currency, (-sum(g.amount_minor))::bigint AS net
  FROM ledger_leg g JOIN payout o ON o.id = g.owner
 WHERE g.account = 'payout_in_flight' AND g.kind = 'payout_request' AND g.posted_on BETWEEN %(first)s AND %(last)s AND g.position <= %(placed)s
   AND (%(party)s::uuid IS NULL OR o.freelancer_id = %(party)s)
 GROUP BY 1 ORDER BY 1
