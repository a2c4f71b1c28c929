SELECT f.id AS payee_id, f.display_name AS payee, f.country AS account_country, coalesce(t.form, 'missing') AS form, t.country AS tax_country, t.tin_masked, t.vat_id,
       (t.signed_at AT TIME ZONE %(zone)s)::date AS signed_on, t.expires_on, CASE WHEN t.id IS NULL THEN 'missing' WHEN t.expires_on < %(last)s THEN 'expired' ELSE 'valid' END AS status,
       CASE WHEN coalesce(t.country, f.country) = 'US' THEN 'us_1099k' WHEN coalesce(t.country, f.country) = 'GB' THEN 'uk_mrdp' WHEN coalesce(t.country, f.country) = ANY (%(eu)s::text[]) THEN 'eu_dac7'
            WHEN coalesce(t.country, f.country) = 'IN' THEN 'in_194o' END AS needed_for, NULL AS currency
  FROM freelancer f
  LEFT JOIN LATERAL (SELECT * FROM tax_identity t WHERE t.freelancer_id = f.id AND t.signed_at <= %(as_of)s ORDER BY t.signed_at DESC LIMIT 1) t ON true
 WHERE f.created_at <= %(as_of)s AND (f.created_at AT TIME ZONE %(zone)s)::date <= %(last)s
 ORDER BY f.id
