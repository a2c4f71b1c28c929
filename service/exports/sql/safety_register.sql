WITH register AS (
    SELECT 'hld' AS prefix, h.id, 'hold' AS kind, CASE h.subject_kind WHEN 'contract' THEN h.subject_id END AS contract_id,
           CASE h.subject_kind WHEN 'milestone' THEN h.subject_id END AS milestone_id, h.freelancer_id, h.starts_at AS opened_at, h.opened_by, h.reason_code AS basis,
           coalesce(h.currency, '') AS currency, coalesce(h.amount_minor, 0) AS amount, 0::bigint AS released, 0::bigint AS refunded, 0::bigint AS confiscated, 0::bigint AS given_back,
           CASE WHEN h.ended_at IS NULL THEN coalesce(h.amount_minor, 0) ELSE 0 END AS still_open, h.state, h.ended_at AS decided_at, h.ended_by AS decided_by,
           h.confirmed_by AS approved_by, h.appeal_until, CASE WHEN h.ended_at IS NOT NULL THEN h.appeal_until END AS final_at
      FROM hold h
    UNION ALL
    SELECT 'dsp', d.id, 'dispute', d.contract_id, d.milestone_id, k.freelancer_id, d.opened_at, d.opened_by, 'dispute', k.currency, d.amount_minor,
           CASE WHEN d.refund_minor IS NULL THEN 0 ELSE d.amount_minor - d.refund_minor END, coalesce(d.refund_minor, 0), 0, 0,
           CASE WHEN d.closed_at IS NULL THEN d.amount_minor ELSE 0 END, d.state, d.closed_at, coalesce(d.decider, d.mediator), NULL, NULL, d.closed_at
      FROM dispute d JOIN contract k ON k.id = d.contract_id
    UNION ALL
    SELECT 'cbk', b.id, 'chargeback', b.contract_id, NULL, k.freelancer_id, b.opened_at, 'psp', b.reason, b.currency, b.amount_minor, 0,
           CASE WHEN b.state IN ('lost', 'accepted') THEN b.amount_minor ELSE 0 END, 0, 0, CASE WHEN b.closed_at IS NULL THEN b.amount_minor ELSE 0 END, b.state, b.closed_at, 'psp',
           NULL, NULL, b.closed_at
      FROM chargeback b JOIN contract k ON k.id = b.contract_id
    UNION ALL
    SELECT 'cas', c.id, 'confiscation', NULL, NULL, c.freelancer_id, c.opened_at, c.opened_by, c.clause, c.currency, l.amount,
           CASE WHEN c.executed_at IS NOT NULL THEN l.person ELSE 0 END, CASE WHEN c.executed_at IS NOT NULL THEN l.refunded ELSE 0 END,
           CASE WHEN c.executed_at IS NOT NULL THEN l.taken ELSE 0 END, l.restored, CASE WHEN c.executed_at IS NULL AND c.ended_at IS NULL THEN l.amount ELSE 0 END,
           c.state, coalesce(c.executed_at, c.ended_at), c.executed_by, (SELECT string_agg(a.approved_by, ' ' ORDER BY a.approved_at) FROM case_approval a WHERE a.case_id = c.id),
           h.appeal_until, coalesce(c.final_at, c.ended_at, CASE WHEN c.executed_at IS NOT NULL THEN h.appeal_until END)
      FROM confiscation c JOIN hold h ON h.id = c.hold_id
      JOIN (SELECT case_id, sum(amount_minor)::bigint AS amount, coalesce(sum(restored_minor) FILTER (WHERE target <> 'remainder_to_person'), 0)::bigint AS restored,
                   coalesce(sum(amount_minor) FILTER (WHERE target = 'remainder_to_person'), 0)::bigint AS person,
                   coalesce(sum(amount_minor) FILTER (WHERE target IN ('client', 'same_contract_refund')), 0)::bigint AS refunded,
                   coalesce(sum(amount_minor) FILTER (WHERE target IN ('authority', 'proven_loss', 'forfeit')), 0)::bigint AS taken
              FROM case_line GROUP BY 1) l ON l.case_id = c.id
)
SELECT prefix, id AS case_id, kind, contract_id, milestone_id, freelancer_id, (opened_at AT TIME ZONE %(zone)s)::date AS opened_on, opened_by, basis, currency, amount,
       CASE WHEN done THEN released ELSE 0 END AS released, CASE WHEN done THEN refunded ELSE 0 END AS refunded, CASE WHEN done THEN confiscated ELSE 0 END AS confiscated,
       CASE WHEN done THEN given_back ELSE 0 END AS given_back, CASE WHEN done THEN still_open ELSE amount END AS still_open, CASE WHEN done THEN state ELSE 'open' END AS state,
       CASE WHEN done THEN (decided_at AT TIME ZONE %(zone)s)::date END AS decided_on, CASE WHEN done THEN decided_by END AS decided_by, CASE WHEN done THEN approved_by END AS approved_by,
       (appeal_until AT TIME ZONE %(zone)s)::date AS appeal_until, CASE WHEN done THEN (final_at AT TIME ZONE %(zone)s)::date END AS final_on
  FROM (SELECT *, coalesce(decided_at <= %(as_of)s AND (decided_at AT TIME ZONE %(zone)s)::date <= %(last)s, false) AS done FROM register) r
 WHERE (opened_at AT TIME ZONE %(zone)s)::date <= %(last)s AND opened_at <= %(as_of)s AND (decided_at IS NULL OR (decided_at AT TIME ZONE %(zone)s)::date >= %(first)s)
 ORDER BY opened_at, id
