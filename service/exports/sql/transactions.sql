SELECT CASE h.party WHEN 'client' THEN 'cli' ELSE 'frl' END AS prefix, h.entry_id AS event_id, h.line_no, h.occurred_at, h.posted_on, h.effective_on, h.party,
       h.party_id, h.type, h.contract_id, coalesce(v.text ->> 'title', k.title) AS contract_title, h.milestone_id,
       coalesce((SELECT w ->> 'title' FROM jsonb_array_elements(v.text -> 'milestones') w WHERE (w ->> 'number')::int = m.number), m.title) AS milestone_title,
       CASE h.party WHEN 'client' THEN coalesce(v.text ->> 'freelancer', f.display_name) ELSE coalesce(v.text -> 'client' ->> 'name', k.client_name) END AS counterparty,
       a.purchase_order AS client_po, h.currency,
       h.amount_minor AS amount, h.running_balance,
       CASE WHEN h.cause_type = 'pyo' THEN h.cause_id END AS payout_id,
       CASE WHEN h.cause_type = 'pyo' THEN CASE WHEN o.sent_at <= %(as_of)s THEN o.stripe_payout_id END ELSE p.payment_intent_id END AS psp_reference,
       h.recorded_at, h.description AS note, i.number AS document_no, %(home)s::text AS fx_currency, x.rate AS fx_rate, x.rate_date AS fx_rate_date, x.source AS fx_source,
       round(h.amount_minor / 10.0 ^ (%(exponents)s::jsonb ->> h.currency)::int * x.rate, (%(exponents)s::jsonb ->> %(home)s)::int) AS fx_amount,
       h.locked_minor AS locked
  FROM (SELECT l.*, coalesce((l.occurred_at AT TIME ZONE %(own_zone)s::text)::date, l.posted_on) AS day,
               sum(l.amount_minor) OVER (PARTITION BY l.party, l.party_id, l.currency ORDER BY l.number, l.line_no)::bigint AS running_balance
          FROM party_line l WHERE l.position <= %(placed)s AND (%(party)s::uuid IS NULL OR l.party_id = %(party)s)) h
  LEFT JOIN contract k ON k.id = h.contract_id
  LEFT JOIN freelancer f ON f.id = k.freelancer_id
  LEFT JOIN milestone m ON m.id = h.milestone_id
  -- As both had agreed then, whatever was amended afterwards.
  LEFT JOIN LATERAL (SELECT t.text FROM contract_text t WHERE t.contract_id = h.contract_id AND t.made_at <= h.recorded_at ORDER BY t.text_version DESC LIMIT 1) v ON true
  LEFT JOIN LATERAL (SELECT y.purchase_order FROM acceptance y WHERE y.contract_id = h.contract_id AND y.accepted_at <= h.recorded_at ORDER BY y.text_version DESC LIMIT 1) a ON true
  LEFT JOIN payout o ON o.id = CASE WHEN h.cause_type = 'pyo' THEN h.cause_id END
  LEFT JOIN payment p ON h.kind IN ('fund', 'suspend_receipt') AND p.id = h.cause_id
  LEFT JOIN invoice i ON i.cause_id = h.cause_id AND i.cause_sequence IS NOT DISTINCT FROM h.cause_sequence AND i.issued_at <= %(as_of)s
        AND i.kind = CASE WHEN h.party = 'freelancer' AND h.type IN ('platform_fee', 'fee_tax') THEN 'fee' WHEN h.type IN ('platform_fee_refund', 'fee_tax_refund') THEN 'fee_credit'
                          WHEN h.type = 'release' THEN 'work' WHEN h.type = 'refund_after_release' THEN 'work_credit' END
  LEFT JOIN LATERAL fx_on(h.currency, %(home)s, h.posted_on, %(as_of)s) x ON %(home)s::text IS NOT NULL AND h.currency <> %(home)s
 WHERE h.day BETWEEN %(first)s AND %(last)s
 ORDER BY h.party, h.party_id, h.currency, h.number, h.line_no
