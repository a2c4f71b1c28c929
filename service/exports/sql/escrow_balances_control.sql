-- From the postings of bounded accounts, a side at a time, and from the holds to what they reach.
WITH side AS (
    SELECT p.debit_account AS account_id, -p.amount AS minor, p.entry_id FROM posting p UNION ALL SELECT p.credit_account, p.amount, p.entry_id FROM posting p
), owed AS (
    SELECT a.currency, a.kind, a.id, a.owner, sum(s.minor) AS amount
      FROM side s JOIN journal_entry e ON e.id = s.entry_id JOIN ledger_account a ON a.id = s.account_id AND a.bounded
     WHERE a.kind NOT IN ('recoverable', 'chargeback_receivable') AND e.posted_on <= %(last)s AND e.position <= %(placed)s
     GROUP BY a.id HAVING sum(s.minor) <> 0
), hit AS (
    SELECT o.id, count(DISTINCT h.id) AS holds FROM owed o
      JOIN ledger_account a ON a.id = o.id
      LEFT JOIN contract k ON k.id = a.contract_id
      JOIN hold h ON h.subject_id IN (a.owner, k.id, k.client_id, a.client_id, a.freelancer_id) AND h.amount_minor IS NULL AND h.starts_at <= %(as_of)s
       AND (h.starts_at AT TIME ZONE %(zone)s)::date <= %(last)s AND NOT coalesce(h.ended_at <= %(as_of)s AND (h.ended_at AT TIME ZONE %(zone)s)::date <= %(last)s, false)
     GROUP BY 1
)
SELECT o.currency, o.kind AS state, sum(o.id) AS account_id, sum(o.amount) AS amount, sum(coalesce(h.holds, 0)) AS holds FROM owed o LEFT JOIN hit h ON h.id = o.id GROUP BY 1, 2
