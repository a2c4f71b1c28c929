SELECT CASE h.party WHEN 'client' THEN 'cli' ELSE 'frl' END AS prefix, h.entry_id AS event_id, h.line_no, h.occurred_at, h.posted_on, h.effective_on, h.party,
       h.party_id, h.type, h.contract_id, k.title AS contract_title, h.milestone_id, m.title AS milestone_title,
       CASE h.party WHEN 'client' THEN f.display_name ELSE k.client_name END AS counterparty, a.purchase_order AS client_po, h.currency,
       h.amount_minor AS amount, h.running_balance,
       CASE WHEN h.kind LIKE 'payout%%' THEN typeid_uuid(h.cause) END AS payout_id,
       CASE WHEN h.kind LIKE 'payout%%' THEN o.stripe_payout_id ELSE p.payment_intent_id END AS psp_reference,
       h.recorded_at, h.description AS note
  FROM (SELECT l.*, sum(l.amount_minor) OVER (PARTITION BY l.party, l.party_id, l.currency ORDER BY l.number, l.line_no)::bigint AS running_balance
          FROM party_line l WHERE l.posted_on <= %(last)s AND l.recorded_at <= %(as_of)s AND (%(party)s::uuid IS NULL OR l.party_id = %(party)s)) h
  LEFT JOIN contract k ON k.id = h.contract_id
  LEFT JOIN freelancer f ON f.id = k.freelancer_id
  LEFT JOIN milestone m ON m.id = h.milestone_id
  LEFT JOIN acceptance a ON a.contract_id = k.id AND a.text_version = k.text_version
  LEFT JOIN payout o ON o.id = CASE WHEN h.kind LIKE 'payout%%' THEN typeid_uuid(h.cause) END
  LEFT JOIN payment p ON h.kind = 'fund' AND p.id = typeid_uuid(h.cause)
 WHERE h.posted_on >= %(first)s
 ORDER BY h.party, h.party_id, h.currency, h.number, h.line_no
