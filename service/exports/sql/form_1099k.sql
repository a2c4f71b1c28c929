-- Gross of releases by month, in dollars; the forms as they were on file then. Thresholds and states come from policies/us_1099k.yaml.
WITH released AS (
    SELECT l.party_id, l.entry_id, l.cause_id, l.currency, l.posted_on, extract(month FROM l.posted_on)::int AS month,
           CASE WHEN l.currency = 'USD' THEN l.amount_minor::numeric
                ELSE round(l.amount_minor / 10.0 ^ (%(exponents)s::jsonb ->> l.currency)::int * x.rate, 2) * 100 END AS minor
      FROM party_line l LEFT JOIN LATERAL fx_on(l.currency, 'USD', l.posted_on, %(as_of)s) x ON l.currency <> 'USD'
     WHERE l.party = 'freelancer' AND l.type = 'release' AND l.posted_on BETWEEN %(first)s AND %(last)s AND l.position <= %(placed)s
), summed AS (
    SELECT party_id, coalesce(sum(minor), 0) AS gross, count(*) AS releases, count(*) FILTER (WHERE minor IS NULL) AS without_rate, array_agg(month) AS months, array_agg(minor) AS minors,
           coalesce(sum((SELECT CASE WHEN r.currency = 'USD' THEN w.amount_minor
                                     ELSE round(w.amount_minor / 10.0 ^ (%(exponents)s::jsonb ->> r.currency)::int * x.rate, 2) * 100 END
                           FROM withholding w LEFT JOIN LATERAL fx_on(r.currency, 'USD', r.posted_on, %(as_of)s) x ON r.currency <> 'USD'
                          WHERE w.regime = 'us_backup' AND w.release_id = r.cause_id)), 0) AS withheld
      FROM released r GROUP BY 1
), declared AS (
    SELECT DISTINCT ON (freelancer_id) * FROM tax_identity WHERE signed_at <= %(as_of)s ORDER BY freelancer_id, signed_at DESC
), judged AS (
    SELECT s.*, f.country AS account_country, t.form AS paper, t.region, t.tin_masked, t.expires_on,
           CASE WHEN t.form IN ('w8ben', 'w8ben_e') AND t.expires_on >= %(last)s AND t.country <> 'US' THEN 'foreign_w8'
                WHEN t.form IN ('w8ben', 'w8ben_e') THEN 'w8_expired'
                WHEN t.form = 'w9' THEN ''
                WHEN f.country <> 'US' THEN 'foreign_no_w8' ELSE 'no_w9' END AS reason,
           EXISTS (SELECT 1 FROM jsonb_to_recordset(%(us_1099k)s::jsonb) AS u (state text, from_year int, gross_minor bigint, count int)
                    WHERE u.state = 'US' AND u.from_year <= extract(year FROM %(first)s::date) AND s.gross >= u.gross_minor AND s.releases >= u.count) AS federal,
           (SELECT string_agg(u.state, ' ' ORDER BY u.state) FROM jsonb_to_recordset(%(us_1099k)s::jsonb) AS u (state text, from_year int, gross_minor bigint, count int)
             WHERE u.state = t.region AND u.from_year <= extract(year FROM %(first)s::date) AND s.gross >= u.gross_minor AND s.releases >= u.count) AS states
      FROM summed s JOIN freelancer f ON f.id = s.party_id LEFT JOIN declared t ON t.freelancer_id = s.party_id
)
SELECT extract(year FROM %(first)s::date)::int AS tax_year, j.party_id AS payee_id, CASE WHEN j.reason = 'foreign_w8' THEN 'none' ELSE '1099-K' END AS form,
       CASE j.paper WHEN 'w9' THEN 'SSN or EIN' WHEN 'w8ben' THEN 'foreign' WHEN 'w8ben_e' THEN 'foreign' END AS tin_type, j.tin_masked,
       CASE WHEN j.reason = 'w8_expired' THEN 'expired' ELSE coalesce(j.paper, 'missing') END AS w9_or_w8_status, j.expires_on AS w8_expires_on, 'PSE' AS filer_type,
       'third_party_network' AS transactions_are, 'USD' AS currency, j.gross::bigint AS box_1a, NULL::bigint AS box_1b, NULL AS box_2_mcc, j.releases AS box_3, j.withheld::bigint AS box_4,
       m.box_5a, m.box_5b, m.box_5c, m.box_5d, m.box_5e, m.box_5f, m.box_5g, m.box_5h, m.box_5i, m.box_5j, m.box_5k, m.box_5l, j.region AS box_6_state, NULL AS box_7_state_id,
       NULL::bigint AS box_8_state_withheld, CASE WHEN j.federal AND j.reason <> 'foreign_w8' THEN 'true' ELSE 'false' END AS federal_required,
       CASE WHEN j.reason <> 'foreign_w8' THEN j.states END AS state_required, j.reason, NULL AS corrected, NULL AS second_tin_notice, j.without_rate AS lines_without_rate,
       coalesce((SELECT CASE WHEN d.in_scope THEN 'yes' ELSE 'no' END FROM tax_scope d WHERE d.regime = 'us_1099k' AND d.decided_at <= %(as_of)s ORDER BY d.decided_at DESC LIMIT 1), 'undecided') AS in_scope
  FROM judged j CROSS JOIN LATERAL (
      SELECT coalesce(sum(v) FILTER (WHERE n = 1), 0)::bigint AS box_5a, coalesce(sum(v) FILTER (WHERE n = 2), 0)::bigint AS box_5b, coalesce(sum(v) FILTER (WHERE n = 3), 0)::bigint AS box_5c,
             coalesce(sum(v) FILTER (WHERE n = 4), 0)::bigint AS box_5d, coalesce(sum(v) FILTER (WHERE n = 5), 0)::bigint AS box_5e, coalesce(sum(v) FILTER (WHERE n = 6), 0)::bigint AS box_5f,
             coalesce(sum(v) FILTER (WHERE n = 7), 0)::bigint AS box_5g, coalesce(sum(v) FILTER (WHERE n = 8), 0)::bigint AS box_5h, coalesce(sum(v) FILTER (WHERE n = 9), 0)::bigint AS box_5i,
             coalesce(sum(v) FILTER (WHERE n = 10), 0)::bigint AS box_5j, coalesce(sum(v) FILTER (WHERE n = 11), 0)::bigint AS box_5k, coalesce(sum(v) FILTER (WHERE n = 12), 0)::bigint AS box_5l
        FROM unnest(j.months, j.minors) AS b (n, v)) m
 ORDER BY j.party_id
