-- Every posting debits and credits the same amount, so both sums are the sum of the postings.
SELECT p.currency, sum(p.amount)::bigint AS debit, sum(p.amount)::bigint AS credit, sum(p.amount)::bigint AS debits, sum(p.amount)::bigint AS credits
  FROM posting p JOIN journal_entry e ON e.id = p.entry_id
 WHERE e.posted_on BETWEEN %(first)s AND %(last)s AND e.position <= %(placed)s GROUP BY 1 ORDER BY 1
