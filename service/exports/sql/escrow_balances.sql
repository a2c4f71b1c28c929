SELECT %(last)s::date AS as_of, b.currency, b.account AS state, b.account_id, b.freelancer_id, b.client_id, b.contract_id,
       CASE b.owner_type WHEN 'milestone' THEN b.owner END AS milestone_id, b.amount, b.since, b.last_activity_on,
       (SELECT count(*) FROM hold x
         WHERE x.subject_id IN (b.owner, b.contract_id, b.freelancer_id, b.client_id) AND x.amount_minor IS NULL
           AND x.starts_at <= %(as_of)s AND (x.starts_at AT TIME ZONE %(zone)s)::date <= %(last)s AND (x.ended_at IS NULL OR x.ended_at > %(as_of)s OR (x.ended_at AT TIME ZONE %(zone)s)::date > %(last)s)) AS holds
  FROM (SELECT account, account_id, owner_type, owner, owner_freelancer_id AS freelancer_id, owner_client_id AS client_id, owner_contract_id AS contract_id, currency,
               (-sum(amount_minor))::bigint AS amount, min(posted_on) AS since, max(posted_on) AS last_activity_on
          FROM ledger_leg JOIN chart_account c ON c.kind = account AND c.trust_side = -1
         WHERE posted_on <= %(last)s AND position <= %(placed)s GROUP BY 1, 2, 3, 4, 5, 6, 7, 8 HAVING sum(amount_minor) <> 0) b
 ORDER BY b.currency, b.account, b.account_id
