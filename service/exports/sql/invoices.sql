SELECT i.number, i.series, i.issued_on, i.kind, CASE WHEN i.corrects_id IS NULL THEN 380 ELSE 381 END AS type_code, c.number AS corrects, i.freelancer_id,
       i.seller ->> 'name' AS seller, i.buyer ->> 'name' AS buyer, i.buyer ->> 'country' AS buyer_country, i.buyer ->> 'vat_id' AS buyer_vat_id, i.contract_id, i.milestone_id, i.currency,
       i.net_minor AS net, i.tax_minor AS tax, i.total_minor AS total, i.tax_category, i.tax_rate,
       CASE i.kind WHEN 'fee' THEN i.total_minor WHEN 'fee_credit' THEN -i.total_minor ELSE 0 END AS fee_effect
  FROM invoice i
  JOIN journal_entry e ON e.cause_id = i.cause_id AND e.kind IN ('release', 'refund_after_release')
  LEFT JOIN invoice c ON c.id = i.corrects_id
 WHERE i.issued_on BETWEEN %(first)s AND %(last)s AND e.position <= %(placed)s AND (%(party)s::uuid IS NULL OR i.freelancer_id = %(party)s)
 ORDER BY i.series, i.place
