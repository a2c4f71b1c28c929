-- From the rows of releases and the accounts' legs, past the lines.
WITH released AS (
    SELECT g.currency, sum(g.amount_minor)::bigint AS gross FROM ledger_leg g
      JOIN milestone m ON m.id = g.owner JOIN contract k ON k.id = m.contract_id
     WHERE g.kind = 'release' AND g.account = 'escrow' AND g.posted_on BETWEEN %(first)s AND %(last)s AND g.position <= %(placed)s
       AND (%(party)s::uuid IS NULL OR k.freelancer_id = %(party)s) GROUP BY 1
), own AS (
    SELECT currency, (-sum(amount_minor) FILTER (WHERE kind IN ('release', 'refund_after_release') AND posted_on >= %(first)s))::bigint AS net, (-sum(amount_minor))::bigint AS closing
      FROM ledger_leg WHERE account IN ('pending', 'available') AND posted_on <= %(last)s AND position <= %(placed)s
       AND (%(party)s::uuid IS NULL OR owner = %(party)s) GROUP BY 1
), debts AS (
    SELECT g.currency, sum(g.amount_minor)::bigint AS owed FROM ledger_leg g
     WHERE g.account = 'recoverable' AND g.kind IN ('release', 'refund_after_release') AND g.posted_on BETWEEN %(first)s AND %(last)s AND g.position <= %(placed)s
       AND (%(party)s::uuid IS NULL OR g.owner = %(party)s) GROUP BY 1
)
SELECT own.currency, coalesce(released.gross, 0) AS gross_released, coalesce(own.net, 0) - coalesce(debts.owed, 0) AS net_credited, own.closing AS closing_balance
  FROM own LEFT JOIN released USING (currency) LEFT JOIN debts USING (currency) ORDER BY 1
