-- From the postings themselves: each has two lines of the same amount.
SELECT e.posted_on, p.currency, sum(4 * p.line_no - 1) AS line_no, sum(p.debit_account + p.credit_account) AS account_id, sum(p.amount) AS debit, sum(p.amount) AS credit
  FROM posting p JOIN journal_entry e ON e.id = p.entry_id
 WHERE e.posted_on BETWEEN %(first)s AND %(last)s AND e.position <= %(placed)s GROUP BY 1, 2
