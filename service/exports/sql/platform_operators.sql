-- By the quarter of the release, also for what was given back of it later: a refund after the year's end corrects the year itself.
WITH line AS (
    -- In a currency that was asked for, line by line by the stored rate of its day; else in the line's own.
    SELECT l.party_id, l.kind, l.type, l.posted_on, l.number, l.milestone_id, coalesce(%(home)s::text, l.currency) AS currency,
           CASE WHEN %(home)s::text IS NULL OR l.currency = %(home)s THEN l.amount_minor
                ELSE round(l.amount_minor / 10.0 ^ (%(exponents)s::jsonb ->> l.currency)::int * x.rate * 10.0 ^ (%(exponents)s::jsonb ->> %(home)s)::int) END AS amount_minor
      FROM party_line l LEFT JOIN LATERAL fx_on(l.currency, %(home)s, l.posted_on, %(as_of)s) x ON l.currency <> %(home)s
     WHERE l.party = 'freelancer' AND l.posted_on >= %(first)s AND l.recorded_at <= %(as_of)s
       AND l.type IN ('release', 'refund_after_release', 'platform_fee', 'platform_fee_refund', 'fee_tax', 'fee_tax_refund', 'processing_cost', 'processing_cost_refund')
), placed AS (
    SELECT l.party_id, l.currency, l.type, l.amount_minor, extract(quarter FROM day)::int AS quarter
      FROM line l CROSS JOIN LATERAL (
          SELECT CASE WHEN l.kind = 'release' THEN l.posted_on
                      ELSE (SELECT max(e.posted_on) FROM journal_entry e JOIN release r ON typeid_uuid(e.cause) = r.id WHERE e.kind = 'release' AND r.milestone_id = l.milestone_id AND e.number < l.number) END AS day) d
     WHERE day BETWEEN %(first)s AND %(last)s
), summed AS (
    SELECT party_id, currency, quarter, sum(amount_minor) AS cons, -coalesce(sum(amount_minor) FILTER (WHERE type NOT IN ('release', 'refund_after_release')), 0) AS fees,
           count(*) FILTER (WHERE type = 'release') AS numb, count(*) FILTER (WHERE amount_minor IS NULL) AS without_rate
      FROM placed GROUP BY 1, 2, 3
), declared AS (
    SELECT DISTINCT ON (freelancer_id) * FROM tax_identity WHERE signed_at <= %(as_of)s ORDER BY freelancer_id, signed_at DESC
), judged AS (
    SELECT s.party_id, s.currency, coalesce(t.country, f.country) AS country, t.seller_kind, t.tin_masked, t.vat_id, t.id IS NULL AS undeclared,
           array_agg(s.quarter) AS quarters, array_agg(greatest(s.cons, 0)) AS cons, array_agg(greatest(s.fees, 0)) AS fees, array_agg(s.numb) AS numbs, sum(s.without_rate)::bigint AS without_rate
      FROM summed s JOIN freelancer f ON f.id = s.party_id LEFT JOIN declared t ON t.freelancer_id = s.party_id GROUP BY 1, 2, 3, 4, 5, 6, 7
)
SELECT extract(year FROM %(first)s::date)::int AS reporting_year, r.regime, j.party_id AS seller_id, j.seller_kind, j.country AS res_country, j.tin_masked, j.vat_id,
       'personal_services' AS activity, j.currency, q.cons_q1, q.cons_q2, q.cons_q3, q.cons_q4, q.fees_q1, q.fees_q2, q.fees_q3, q.fees_q4, 0::bigint AS taxes_q1, 0::bigint AS taxes_q2,
       0::bigint AS taxes_q3, 0::bigint AS taxes_q4, q.numb_q1, q.numb_q2, q.numb_q3, q.numb_q4, q.consideration,
       CASE WHEN r.regime IS NULL THEN 'not_resident_there' WHEN j.undeclared THEN 'no_declaration' END AS excluded_reason,
       coalesce((SELECT CASE WHEN d.in_scope THEN 'yes' ELSE 'no' END FROM tax_scope d WHERE d.regime = r.regime AND d.decided_at <= %(as_of)s ORDER BY d.decided_at DESC LIMIT 1), 'undecided') AS in_scope,
       j.without_rate AS lines_without_rate
  FROM judged j
 CROSS JOIN LATERAL (SELECT CASE WHEN j.country = ANY (%(eu)s::text[]) THEN 'eu_dac7' WHEN j.country = 'GB' THEN 'uk_mrdp' END AS regime) r
 CROSS JOIN LATERAL (
      SELECT coalesce(sum(c) FILTER (WHERE n = 1), 0)::bigint AS cons_q1, coalesce(sum(c) FILTER (WHERE n = 2), 0)::bigint AS cons_q2, coalesce(sum(c) FILTER (WHERE n = 3), 0)::bigint AS cons_q3,
             coalesce(sum(c) FILTER (WHERE n = 4), 0)::bigint AS cons_q4, coalesce(sum(f) FILTER (WHERE n = 1), 0)::bigint AS fees_q1, coalesce(sum(f) FILTER (WHERE n = 2), 0)::bigint AS fees_q2,
             coalesce(sum(f) FILTER (WHERE n = 3), 0)::bigint AS fees_q3, coalesce(sum(f) FILTER (WHERE n = 4), 0)::bigint AS fees_q4, coalesce(sum(b) FILTER (WHERE n = 1), 0)::bigint AS numb_q1,
             coalesce(sum(b) FILTER (WHERE n = 2), 0)::bigint AS numb_q2, coalesce(sum(b) FILTER (WHERE n = 3), 0)::bigint AS numb_q3, coalesce(sum(b) FILTER (WHERE n = 4), 0)::bigint AS numb_q4,
             coalesce(sum(c), 0)::bigint AS consideration
        FROM unnest(j.quarters, j.cons, j.fees, j.numbs) AS z (n, c, f, b)) q
 ORDER BY j.party_id, j.currency
