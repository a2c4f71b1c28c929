SELECT %(last)s::date AS as_of, b.currency, b.account AS state, b.account_id,
       coalesce(k.freelancer_id, f.id, o.freelancer_id, cs.freelancer_id, h.freelancer_id) AS freelancer_id, coalesce(k.client_id, cl.id) AS client_id,
       k.id AS contract_id, m.id AS milestone_id, b.amount, b.since, b.last_activity_on,
       (SELECT count(*) FROM hold x
         WHERE x.subject_id IN (m.id, k.id, k.freelancer_id, k.client_id, f.id, cl.id, p.id, o.freelancer_id) AND x.amount_minor IS NULL
           AND x.starts_at <= %(as_of)s AND (x.starts_at AT TIME ZONE %(zone)s)::date <= %(last)s AND (x.ended_at IS NULL OR x.ended_at > %(as_of)s OR (x.ended_at AT TIME ZONE %(zone)s)::date > %(last)s)) AS holds
  FROM (SELECT account, account_id, owner, currency, (-sum(amount_minor))::bigint AS amount, min(posted_on) AS since, max(posted_on) AS last_activity_on
          FROM ledger_leg JOIN chart_account c ON c.kind = account AND c.trust_side = -1
         WHERE posted_on <= %(last)s AND position <= %(placed)s GROUP BY 1, 2, 3, 4 HAVING sum(amount_minor) <> 0) b
  LEFT JOIN milestone m ON m.id = b.owner
  LEFT JOIN payment p ON p.id = b.owner
  LEFT JOIN refund r ON r.id = b.owner
  LEFT JOIN payment rp ON rp.id = r.payment_id
  LEFT JOIN chargeback cb ON cb.id = b.owner
  LEFT JOIN contract k ON k.id = coalesce(m.contract_id, p.contract_id, rp.contract_id, cb.contract_id)
  LEFT JOIN freelancer f ON f.id = b.owner
  LEFT JOIN client cl ON cl.id = b.owner
  LEFT JOIN payout o ON o.id = b.owner
  LEFT JOIN confiscation cs ON cs.id = b.owner
  LEFT JOIN hold h ON h.id = b.owner
 ORDER BY b.currency, b.account, b.account_id
