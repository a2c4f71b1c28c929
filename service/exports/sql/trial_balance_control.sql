-- From the postings, a side at a time, past the view of legs.
SELECT a.kind AS account, a.currency, sum(s.minor) FILTER (WHERE e.posted_on < %(first)s) AS opening, sum(s.minor) FILTER (WHERE e.posted_on >= %(first)s AND s.minor > 0) AS debits,
       -sum(s.minor) FILTER (WHERE e.posted_on >= %(first)s AND s.minor < 0) AS credits, sum(s.minor) AS closing
  FROM (SELECT entry_id, debit_account AS account_id, amount AS minor FROM posting UNION ALL SELECT entry_id, credit_account, -amount FROM posting) s
  JOIN journal_entry e ON e.id = s.entry_id JOIN ledger_account a ON a.id = s.account_id
 WHERE e.posted_on <= %(last)s AND e.position <= %(placed)s GROUP BY 1, 2
