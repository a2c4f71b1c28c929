-- Amounts from what the books did because of each thing where they did something, else from its own row; and what is frozen
-- from the accounts to the holds.
WITH cut AS (
    SELECT (%(last)s::date + 1)::timestamp AT TIME ZONE %(zone)s AS day_after
), entry AS (
    SELECT e.id, e.kind, e.cause_type, e.cause_id, e.cause_sequence, e.number, e.posted_on, e.occurred_at, p.debit_account, p.credit_account, p.amount, p.currency, d.kind AS debit, c.kind AS credit
      FROM journal_entry e JOIN posting p ON p.entry_id = e.id JOIN ledger_account d ON d.id = p.debit_account JOIN ledger_account c ON c.id = p.credit_account
     WHERE e.posted_on <= %(last)s AND e.position <= %(placed)s
), held AS (
    SELECT h.*, h.ended_at <= %(as_of)s AND h.ended_at < k.day_after AS ended FROM hold h CROSS JOIN cut k WHERE h.starts_at <= %(as_of)s AND h.starts_at < k.day_after
), balance AS (
    SELECT a.id, a.currency, a.owner, s.minor, s.occurred_at
      FROM (SELECT debit_account AS account_id, -amount AS minor, occurred_at FROM entry UNION ALL SELECT credit_account, amount, occurred_at FROM entry) s
      JOIN ledger_account a ON a.id = s.account_id WHERE a.kind IN ('escrow', 'disputed', 'suspense', 'unclaimed', 'pending', 'available')
), reach AS (
    SELECT DISTINCT h.id, o.owner FROM held h CROSS JOIN LATERAL hold_owners(h.subject_id) AS o (owner) WHERE h.amount_minor IS NULL
), frozen AS (
    SELECT h.id, b.currency, sum(CASE WHEN b.occurred_at <= h.starts_at THEN b.minor ELSE 0 END) AS at_start, sum(CASE WHEN coalesce(h.ended, false) THEN 0 ELSE b.minor END) AS frozen
      FROM held h JOIN reach r ON r.id = h.id JOIN balance b ON b.owner = r.owner GROUP BY 1, 2
), pulled AS (
    SELECT e.cause_id AS id, sum(CASE e.kind WHEN 'chargeback_open' THEN 1 ELSE -1 END) FILTER (WHERE e.first) AS open, count(*) FILTER (WHERE e.kind = 'chargeback_open') AS rounds,
           count(*) FILTER (WHERE e.first AND e.kind = 'chargeback_lost') AS losses, sum(e.amount) FILTER (WHERE e.debit = 'recoverable') AS debt,
           sum(e.amount) FILTER (WHERE e.debit = 'losses') AS loss, sum(e.amount) FILTER (WHERE e.kind = 'chargeback_fee') AS fee,
           max(e.posted_on) FILTER (WHERE e.kind IN ('chargeback_won', 'chargeback_lost')) AS decided_on
      FROM (SELECT x.*, x.kind IN ('chargeback_open', 'chargeback_won', 'chargeback_lost') AND row_number() OVER (PARTITION BY x.id ORDER BY x.amount) = 1 AS first FROM entry x WHERE x.cause_type = 'cbk') e GROUP BY 1
), taken AS (
    SELECT e.cause_id AS id, sum(e.amount) AS amount, min(e.posted_on) AS posted_on FROM entry e WHERE e.kind = 'confiscate' GROUP BY 1
), given AS (
    SELECT e.cause_id AS id, sum(e.amount) AS amount FROM entry e JOIN case_line l ON l.case_id = e.cause_id AND l.number = e.cause_sequence %% 10000
     WHERE e.kind = 'restore' AND e.credit IN ('available', 'escrow', 'unclaimed') AND l.target <> 'remainder_to_person' GROUP BY 1
), aside AS (
    SELECT e.cause_id AS id, sum(e.amount) AS amount FROM entry e WHERE e.kind = 'hold_reserve' GROUP BY 1
), locked AS (
    SELECT e.cause_id AS id, sum(e.amount) AS amount FROM entry e WHERE e.kind = 'dispute_lock' GROUP BY 1
)
SELECT 'hold' AS kind, h.id AS case_id, coalesce(h.currency, f.currency, '') AS currency, a.amount, 0 AS released, 0 AS refunded, 0 AS confiscated, 0 AS given_back,
       CASE WHEN coalesce(h.ended, false) THEN 0 ELSE a.amount END AS still_open, f.at_start AS frozen_at_start, f.frozen, 0 AS debt, 0 AS loss, 0 AS fee
  FROM held h LEFT JOIN frozen f ON f.id = h.id LEFT JOIN aside a ON a.id = h.id
 WHERE h.ended IS NOT TRUE OR (h.ended_at AT TIME ZONE %(zone)s)::date >= %(first)s
UNION ALL
SELECT 'dispute', d.id, c.currency, l.amount, CASE WHEN d.closed THEN l.amount - d.refund_minor ELSE 0 END, CASE WHEN d.closed THEN d.refund_minor ELSE 0 END, 0, 0,
       CASE WHEN d.closed THEN 0 ELSE l.amount END, 0, 0, 0, 0, 0
  FROM (SELECT x.*, coalesce(x.closed_at <= %(as_of)s AND x.closed_at < k.day_after, false) AS closed FROM dispute x CROSS JOIN cut k WHERE x.opened_at <= %(as_of)s AND x.opened_at < k.day_after) d
  JOIN contract c ON c.id = d.contract_id LEFT JOIN locked l ON l.id = d.id WHERE NOT d.closed OR (d.closed_at AT TIME ZONE %(zone)s)::date >= %(first)s
UNION ALL
SELECT 'chargeback', b.id, b.currency, coalesce((SELECT e.amount FROM entry e WHERE e.cause_id = b.id AND e.kind = 'chargeback_open' LIMIT 1), b.amount_minor), 0,
       CASE WHEN p.losses > 0 OR b.paid THEN b.amount_minor END, 0, 0,
       CASE WHEN b.paid THEN 0 WHEN p.rounds > 0 THEN p.open * b.amount_minor WHEN b.closed THEN 0 ELSE b.amount_minor END, 0, 0, p.debt, p.loss, p.fee
  FROM (SELECT y.*, y.closed AND y.state = 'lost' AS paid
          FROM (SELECT x.*, coalesce(x.closed_at <= %(as_of)s AND x.closed_at < k.day_after, false) AS closed FROM chargeback x CROSS JOIN cut k WHERE x.opened_at <= %(as_of)s AND x.opened_at < k.day_after) y) b
  LEFT JOIN pulled p ON p.id = b.id
 WHERE CASE WHEN p.rounds > 0 AND NOT b.paid THEN p.open <> 0 OR p.decided_on >= %(first)s ELSE NOT b.closed OR coalesce(p.decided_on, (b.closed_at AT TIME ZONE %(zone)s)::date) >= %(first)s END
UNION ALL
SELECT 'confiscation', c.id, c.currency, coalesce(t.amount, l.amount), CASE WHEN t.id IS NOT NULL THEN l.person ELSE 0 END, CASE WHEN t.id IS NOT NULL THEN l.refunded ELSE 0 END,
       CASE WHEN t.id IS NOT NULL THEN t.amount - l.person - l.refunded ELSE 0 END, g.amount, CASE WHEN t.id IS NULL AND NOT c.ended THEN l.amount ELSE 0 END, 0, 0, 0, 0, 0
  FROM (SELECT x.*, coalesce(x.ended_at <= %(as_of)s AND x.ended_at < k.day_after, false) AS ended FROM confiscation x CROSS JOIN cut k WHERE x.opened_at <= %(as_of)s AND x.opened_at < k.day_after) c
  JOIN (SELECT case_id, sum(amount_minor) AS amount, coalesce(sum(amount_minor) FILTER (WHERE target = 'remainder_to_person'), 0) AS person,
               coalesce(sum(amount_minor) FILTER (WHERE target IN ('client', 'same_contract_refund')), 0) AS refunded FROM case_line GROUP BY 1) l ON l.case_id = c.id
  LEFT JOIN taken t ON t.id = c.id LEFT JOIN given g ON g.id = c.id
 WHERE coalesce(t.posted_on, CASE WHEN c.ended THEN (c.ended_at AT TIME ZONE %(zone)s)::date END, %(last)s) >= %(first)s
