-- What Stripe holds for others by the books has to be what is owed to them, per currency.
SELECT currency, sum(amount_minor)::bigint AS amount FROM ledger_leg
 WHERE account = 'psp_trust' AND posted_on <= %(last)s AND position <= %(placed)s GROUP BY 1 HAVING sum(amount_minor) <> 0 ORDER BY 1
