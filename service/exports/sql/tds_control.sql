SELECT r.currency, sum(r.gross_minor)::bigint AS gross
  FROM release r JOIN journal_entry e ON e.kind = 'release' AND e.cause_id = r.id JOIN freelancer f ON f.id = r.freelancer_id
  LEFT JOIN LATERAL (SELECT t.country FROM tax_identity t WHERE t.freelancer_id = f.id AND t.signed_at <= %(as_of)s ORDER BY t.signed_at DESC LIMIT 1) t ON true
 WHERE coalesce(t.country, f.country) = 'IN' AND e.posted_on BETWEEN %(first)s AND %(last)s AND e.position <= %(placed)s
 GROUP BY 1 ORDER BY 1
