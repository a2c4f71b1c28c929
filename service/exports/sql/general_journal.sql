SELECT entry_id AS event_id, line_no, posted_on, effective_on, kind, cause, contract_id, account, account_id, currency,
       greatest(amount_minor, 0) AS debit, greatest(-amount_minor, 0) AS credit, description AS narration, actor, recorded_at, owner, number
  FROM ledger_leg
 WHERE posted_on BETWEEN %(first)s AND %(last)s AND position <= %(placed)s
 ORDER BY number, line_no
