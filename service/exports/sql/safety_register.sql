-- As each thing stood at the end of the last day, by what was known then: money by placed entries, people's acts by their instants.
WITH cut AS (
    SELECT least(%(as_of)s::timestamptz, (%(last)s::date + 1)::timestamp AT TIME ZONE %(zone)s - interval '1 microsecond') AS upto
), leg AS (
    SELECT g.* FROM ledger_leg g WHERE g.posted_on <= %(last)s AND g.position <= %(placed)s
), held AS (
    -- What a hold without an amount reached, by currency: when it began, and on the last day, where it was in force still.
    SELECT h.id, g.currency, -sum(g.amount_minor) FILTER (WHERE g.occurred_at <= h.starts_at) AS at_start,
           CASE WHEN h.ended_at <= c.upto THEN 0 ELSE -sum(g.amount_minor) END AS frozen
      FROM hold h CROSS JOIN cut c CROSS JOIN LATERAL hold_owners(h.subject_id) AS o (owner)
      JOIN leg g ON g.owner = o.owner AND g.account IN ('escrow', 'disputed', 'suspense', 'unclaimed', 'pending', 'available')
     WHERE h.amount_minor IS NULL AND h.starts_at <= c.upto GROUP BY h.id, g.currency, c.upto
    HAVING sum(g.amount_minor) <> 0 OR coalesce(sum(g.amount_minor) FILTER (WHERE g.occurred_at <= h.starts_at), 0) <> 0
), bank AS (
    SELECT g.cause_id AS id, max(g.number) FILTER (WHERE g.kind IN ('chargeback_open', 'chargeback_won', 'chargeback_lost')) AS newest,
           coalesce(sum(g.amount_minor) FILTER (WHERE g.account = 'recoverable'), 0) AS debt, coalesce(sum(g.amount_minor) FILTER (WHERE g.account = 'losses'), 0) AS loss,
           coalesce(sum(g.amount_minor) FILTER (WHERE g.account = 'dispute_fees'), 0) AS fee
      FROM leg g WHERE g.cause_type = 'cbk' GROUP BY 1
), taken AS (
    SELECT DISTINCT ON (e.cause_id) e.cause_id AS id, e.posted_on FROM journal_entry e
     WHERE e.kind = 'confiscate' AND e.posted_on <= %(last)s AND e.position <= %(placed)s ORDER BY e.cause_id, e.number
), restored AS (
    SELECT g.cause_id AS id, -sum(g.amount_minor) AS minor FROM leg g JOIN case_line l ON l.case_id = g.cause_id AND l.number = g.cause_sequence %% 10000 AND l.target <> 'remainder_to_person'
     WHERE g.kind = 'restore' AND g.account IN ('available', 'escrow', 'unclaimed') GROUP BY 1
), register AS (
    SELECT 'hld' AS prefix, h.id, 'hold' AS kind, CASE h.subject_kind WHEN 'contract' THEN h.subject_id END AS contract_id,
           CASE h.subject_kind WHEN 'milestone' THEN h.subject_id END AS milestone_id, h.freelancer_id, h.starts_at AS opened_at, h.opened_by, h.reason_code AS basis,
           coalesce(h.currency, d.currency, '') AS currency, coalesce(h.amount_minor, 0) AS amount, 0::bigint AS released, 0::bigint AS refunded, 0::bigint AS confiscated, 0::bigint AS given_back,
           CASE WHEN h.ended_at <= c.upto THEN 0 ELSE coalesce(h.amount_minor, 0) END AS still_open, CASE WHEN h.ended_at <= c.upto THEN h.state ELSE 'open' END AS state,
           CASE WHEN h.ended_at <= c.upto THEN (h.ended_at AT TIME ZONE %(zone)s)::date END AS decided_on, CASE WHEN h.ended_at <= c.upto THEN h.ended_by END AS decided_by,
           CASE WHEN h.ended_at <= c.upto THEN h.confirmed_by END AS approved_by, h.appeal_until, CASE WHEN h.ended_at <= c.upto THEN h.appeal_until END AS final_at,
           coalesce(d.at_start, 0)::bigint AS frozen_at_start, coalesce(d.frozen, 0)::bigint AS frozen, 0::bigint AS debt, 0::bigint AS loss, 0::bigint AS fee
      FROM hold h CROSS JOIN cut c LEFT JOIN held d ON d.id = h.id
    UNION ALL
    SELECT 'dsp', d.id, 'dispute', d.contract_id, d.milestone_id, k.freelancer_id, d.opened_at, d.opened_by, 'dispute', k.currency, d.amount_minor,
           CASE WHEN d.closed_at <= c.upto AND d.refund_minor IS NOT NULL THEN d.amount_minor - d.refund_minor ELSE 0 END,
           CASE WHEN d.closed_at <= c.upto THEN coalesce(d.refund_minor, 0) ELSE 0 END, 0, 0,
           CASE WHEN d.closed_at <= c.upto THEN 0 ELSE d.amount_minor END, CASE WHEN d.closed_at <= c.upto THEN d.state ELSE 'open' END,
           CASE WHEN d.closed_at <= c.upto THEN (d.closed_at AT TIME ZONE %(zone)s)::date END, CASE WHEN d.closed_at <= c.upto THEN coalesce(d.decider, d.mediator) END, NULL, NULL,
           CASE WHEN d.closed_at <= c.upto THEN d.closed_at END, 0, 0, 0, 0, 0
      FROM dispute d JOIN contract k ON k.id = d.contract_id CROSS JOIN cut c
    UNION ALL
    SELECT 'cbk', b.id, 'chargeback', b.contract_id, NULL, k.freelancer_id, b.opened_at, 'psp', b.reason, b.currency, b.amount_minor, 0,
           CASE s.state WHEN 'lost' THEN b.amount_minor ELSE 0 END, 0, 0, CASE WHEN s.state = 'open' THEN b.amount_minor ELSE 0 END, s.state, s.decided_on, CASE WHEN s.state <> 'open' THEN 'psp' END,
           NULL, NULL, CASE WHEN s.state <> 'open' THEN s.decided_on::timestamp AT TIME ZONE %(zone)s END, 0, 0, coalesce(x.debt, 0), coalesce(x.loss, 0), coalesce(x.fee, 0)
      FROM chargeback b JOIN contract k ON k.id = b.contract_id CROSS JOIN cut c
      LEFT JOIN bank x ON x.id = b.id LEFT JOIN journal_entry e ON e.number = x.newest
     CROSS JOIN LATERAL (
         -- A loss that a case had paid for in whole posts nothing: then the row says it, for ever.
         SELECT CASE WHEN e.kind = 'chargeback_won' THEN 'won' WHEN e.kind = 'chargeback_lost' OR b.state = 'lost' AND b.closed_at <= c.upto THEN 'lost'
                     WHEN e.kind IS NULL AND b.closed_at <= c.upto THEN 'closed' ELSE 'open' END AS state,
                CASE WHEN e.kind IN ('chargeback_won', 'chargeback_lost') THEN e.posted_on
                     WHEN b.closed_at <= c.upto AND (e.kind IS NULL OR b.state = 'lost') THEN (b.closed_at AT TIME ZONE %(zone)s)::date END AS decided_on) s
    UNION ALL
    SELECT 'cas', f.id, 'confiscation', NULL, NULL, f.freelancer_id, f.opened_at, f.opened_by, f.clause, f.currency, l.amount,
           CASE WHEN t.id IS NULL THEN 0 ELSE l.person END, CASE WHEN t.id IS NULL THEN 0 ELSE l.refunded END, CASE WHEN t.id IS NULL THEN 0 ELSE l.taken END, coalesce(r.minor, 0),
           CASE WHEN t.id IS NULL AND NOT coalesce(f.ended_at <= c.upto, false) THEN l.amount ELSE 0 END,
           CASE WHEN f.ended_at <= c.upto THEN f.state WHEN t.id IS NOT NULL THEN 'executed' ELSE 'open' END,
           CASE WHEN t.id IS NOT NULL THEN t.posted_on WHEN f.ended_at <= c.upto THEN (f.ended_at AT TIME ZONE %(zone)s)::date END, CASE WHEN t.id IS NOT NULL THEN f.executed_by END,
           (SELECT string_agg(a.approved_by, ' ' ORDER BY a.approved_at)
              FROM (SELECT x.approved_by, max(x.approved_at) AS approved_at FROM case_approval x WHERE x.case_id = f.id AND x.approved_at <= c.upto GROUP BY 1) a),
           h.appeal_until, CASE WHEN f.final_at <= c.upto THEN f.final_at WHEN f.ended_at <= c.upto THEN f.ended_at WHEN t.id IS NOT NULL THEN h.appeal_until END, 0, 0, 0, 0, 0
      FROM confiscation f JOIN hold h ON h.id = f.hold_id CROSS JOIN cut c
      LEFT JOIN taken t ON t.id = f.id LEFT JOIN restored r ON r.id = f.id
      JOIN (SELECT case_id, sum(amount_minor)::bigint AS amount,
                   coalesce(sum(amount_minor) FILTER (WHERE target = 'remainder_to_person'), 0)::bigint AS person,
                   coalesce(sum(amount_minor) FILTER (WHERE target IN ('client', 'same_contract_refund')), 0)::bigint AS refunded,
                   coalesce(sum(amount_minor) FILTER (WHERE target NOT IN ('client', 'same_contract_refund', 'remainder_to_person')), 0)::bigint AS taken
              FROM case_line GROUP BY 1) l ON l.case_id = f.id
)
SELECT prefix, id AS case_id, kind, contract_id, milestone_id, freelancer_id, (opened_at AT TIME ZONE %(zone)s)::date AS opened_on, opened_by, basis, currency, amount::bigint AS amount,
       released::bigint AS released, refunded::bigint AS refunded, confiscated::bigint AS confiscated, given_back::bigint AS given_back, still_open::bigint AS still_open, state, decided_on, decided_by, approved_by,
       (appeal_until AT TIME ZONE %(zone)s)::date AS appeal_until, (final_at AT TIME ZONE %(zone)s)::date AS final_on, frozen_at_start, frozen, debt::bigint AS debt, loss::bigint AS loss, fee::bigint AS fee
  FROM register CROSS JOIN cut
 WHERE opened_at <= upto AND (decided_on IS NULL OR decided_on >= %(first)s)
 ORDER BY opened_at, id, currency
