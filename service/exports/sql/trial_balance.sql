SELECT g.account, c.normal_side AS side, g.currency,
       coalesce(sum(amount_minor) FILTER (WHERE posted_on < %(first)s), 0)::bigint AS opening,
       coalesce(sum(amount_minor) FILTER (WHERE posted_on >= %(first)s AND amount_minor > 0), 0)::bigint AS debits,
       coalesce(-sum(amount_minor) FILTER (WHERE posted_on >= %(first)s AND amount_minor < 0), 0)::bigint AS credits,
       sum(amount_minor)::bigint AS closing
  FROM ledger_leg g JOIN chart_account c ON c.kind = g.account
 WHERE posted_on <= %(last)s AND position <= %(placed)s
 GROUP BY 1, 2, 3 ORDER BY 3, 1
