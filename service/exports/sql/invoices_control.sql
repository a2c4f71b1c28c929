-- What releases and refunds put into the accounts of fees and of the tax on them: a fee without its invoice stops the export.
SELECT g.currency, (-sum(g.amount_minor))::bigint AS fee_effect
  FROM ledger_leg g JOIN contract k ON k.id = g.contract_id
 WHERE g.account IN ('platform_fees', 'fee_tax_payable') AND g.kind IN ('release', 'refund_after_release')
   AND g.posted_on BETWEEN %(first)s AND %(last)s AND g.position <= %(placed)s AND (%(party)s::uuid IS NULL OR k.freelancer_id = %(party)s)
 GROUP BY 1 ORDER BY 1
