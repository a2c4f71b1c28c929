-- By the quarter of the release. What was given back later, whenever it was, is taken off the milestone's releases, the newest first and
-- none below zero: a refund after the year's end corrects the year itself.
WITH line AS (
    -- In a currency that was asked for, line by line by the stored rate of its day; else in the line's own.
    SELECT l.party_id, l.kind, l.type, l.posted_on, l.number, l.milestone_id, coalesce(%(home)s::text, l.currency) AS currency,
           CASE WHEN %(home)s::text IS NULL OR l.currency = %(home)s THEN l.amount_minor
                ELSE round(l.amount_minor / 10.0 ^ (%(exponents)s::jsonb ->> l.currency)::int * x.rate * 10.0 ^ (%(exponents)s::jsonb ->> %(home)s)::int) END AS amount_minor
      FROM party_line l LEFT JOIN LATERAL fx_on(l.currency, %(home)s, l.posted_on, %(as_of)s) x ON l.currency <> %(home)s
     WHERE l.party = 'freelancer' AND l.position <= %(placed)s
       AND l.type IN ('release', 'refund_after_release', 'platform_fee', 'platform_fee_refund', 'fee_tax', 'fee_tax_refund', 'processing_cost', 'processing_cost_refund', 'tax_withheld')
), released AS (
    SELECT party_id, currency, milestone_id, number, posted_on, sum(amount_minor) AS net, -coalesce(sum(amount_minor) FILTER (WHERE type NOT IN ('release', 'tax_withheld')), 0) AS fee,
           -coalesce(sum(amount_minor) FILTER (WHERE type = 'tax_withheld'), 0) AS withheld,
           count(*) FILTER (WHERE amount_minor IS NULL) AS without_rate
      FROM line WHERE kind = 'release' GROUP BY 1, 2, 3, 4, 5
), back AS (
    SELECT milestone_id, currency, -sum(amount_minor) AS net, coalesce(sum(amount_minor) FILTER (WHERE type <> 'refund_after_release'), 0) AS fee,
           count(*) FILTER (WHERE amount_minor IS NULL) AS without_rate
      FROM line WHERE kind = 'refund_after_release' GROUP BY 1, 2
), kept AS (
    SELECT r.party_id, r.currency, r.posted_on, r.withheld, r.without_rate + coalesce(b.without_rate, 0) AS without_rate,
           r.net - least(r.net, greatest(0, coalesce(b.net, 0) - coalesce(sum(r.net) OVER newer, 0))) AS cons,
           r.fee - least(r.fee, greatest(0, coalesce(b.fee, 0) - coalesce(sum(r.fee) OVER newer, 0))) AS fees
      FROM released r LEFT JOIN back b ON b.milestone_id = r.milestone_id AND b.currency = r.currency
    WINDOW newer AS (PARTITION BY r.milestone_id, r.currency ORDER BY r.number DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
), summed AS (
    SELECT party_id, currency, extract(quarter FROM posted_on)::int AS quarter, sum(cons) AS cons, sum(fees) AS fees, sum(withheld) AS withheld, count(*) AS numb, sum(without_rate) AS without_rate
      FROM kept WHERE posted_on BETWEEN %(first)s AND %(last)s GROUP BY 1, 2, 3
), declared AS (
    SELECT DISTINCT ON (freelancer_id) * FROM tax_identity WHERE signed_at <= %(as_of)s ORDER BY freelancer_id, signed_at DESC
), judged AS (
    SELECT s.party_id, s.currency, coalesce(t.country, f.country) AS country, t.seller_kind, t.tin_masked, t.vat_id, t.id IS NULL AS undeclared,
           array_agg(s.quarter) AS quarters, array_agg(s.cons) AS cons, array_agg(s.fees) AS fees, array_agg(s.withheld) AS withheld, array_agg(s.numb) AS numbs, sum(s.without_rate)::bigint AS without_rate
      FROM summed s JOIN freelancer f ON f.id = s.party_id LEFT JOIN declared t ON t.freelancer_id = s.party_id GROUP BY 1, 2, 3, 4, 5, 6, 7
)
SELECT extract(year FROM %(first)s::date)::int AS reporting_year, r.regime, j.party_id AS seller_id, j.seller_kind, j.country AS res_country, j.tin_masked, j.vat_id,
       'personal_services' AS activity, j.currency, q.cons_q1, q.cons_q2, q.cons_q3, q.cons_q4, q.fees_q1, q.fees_q2, q.fees_q3, q.fees_q4, q.taxes_q1, q.taxes_q2,
       q.taxes_q3, q.taxes_q4, q.numb_q1, q.numb_q2, q.numb_q3, q.numb_q4, q.consideration,
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
             coalesce(sum(w) FILTER (WHERE n = 1), 0)::bigint AS taxes_q1, coalesce(sum(w) FILTER (WHERE n = 2), 0)::bigint AS taxes_q2, coalesce(sum(w) FILTER (WHERE n = 3), 0)::bigint AS taxes_q3,
             coalesce(sum(w) FILTER (WHERE n = 4), 0)::bigint AS taxes_q4, coalesce(sum(c), 0)::bigint AS consideration
        FROM unnest(j.quarters, j.cons, j.fees, j.numbs, j.withheld) AS z (n, c, f, b, w)) q
 ORDER BY j.party_id, j.currency
