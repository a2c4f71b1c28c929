-- From releases and refunds as rows. What a release still stands for is what all releases up to it stand for, less what those
-- before it do: so a refund takes the newest first, and nothing falls below zero.
WITH fact AS (
    SELECT r.freelancer_id, r.milestone_id, r.id, r.currency, e.number, e.posted_on, x.rate,
           r.gross_minor AS gross, r.fee_minor - r.fee_tax_minor AS fee, r.fee_tax_minor AS tax, r.processing_minor AS processing, r.withheld_minor AS withheld
      FROM release r JOIN journal_entry e ON e.kind = 'release' AND e.cause_id = r.id LEFT JOIN LATERAL fx_on(r.currency, %(home)s, e.posted_on, %(as_of)s) x ON r.currency <> %(home)s WHERE e.position <= %(placed)s
), given AS (
    -- A refund's parts as its entry has them: the row knows who bore it, not how much of it was tax.
    SELECT f.milestone_id, f.currency, x.rate, f.amount_minor AS gross, coalesce(sum(g.amount_minor) FILTER (WHERE g.account = 'platform_fees'), 0) AS fee,
           coalesce(sum(g.amount_minor) FILTER (WHERE g.account = 'fee_tax_payable'), 0) AS tax
      FROM refund f JOIN ledger_leg g ON g.kind = 'refund_after_release' AND g.cause_id = f.id LEFT JOIN LATERAL fx_on(f.currency, %(home)s, g.posted_on, %(as_of)s) x ON f.currency <> %(home)s
     WHERE g.position <= %(placed)s GROUP BY f.id, f.milestone_id, f.currency, x.rate
), told AS (
    SELECT f.freelancer_id, f.milestone_id, f.number, f.posted_on, coalesce(%(home)s::text, f.currency) AS currency, a.gross, a.fee, a.withheld, a.lines
      FROM fact f CROSS JOIN LATERAL (
          SELECT sum(v.amount) FILTER (WHERE v.part = 1) AS gross, coalesce(sum(v.amount) FILTER (WHERE v.part IN (2, 3, 4)), 0) AS fee, coalesce(sum(v.amount) FILTER (WHERE v.part = 5), 0) AS withheld,
                 count(*) FILTER (WHERE v.amount IS NULL) AS lines
            FROM (SELECT u.part, CASE WHEN %(home)s::text IS NULL OR f.currency = %(home)s THEN u.minor
                                      ELSE round(u.minor * f.rate * 10.0 ^ ((%(exponents)s::jsonb ->> %(home)s)::int - (%(exponents)s::jsonb ->> f.currency)::int)) END AS amount
                    FROM (VALUES (1, f.gross), (2, f.fee), (3, f.tax), (4, f.processing), (5, f.withheld)) AS u (part, minor) WHERE u.minor <> 0) v) a
), back AS (
    SELECT g.milestone_id, coalesce(%(home)s::text, g.currency) AS currency, sum(a.gross - a.fee) AS net, sum(a.fee) AS fee, sum(a.lines) AS lines
      FROM given g CROSS JOIN LATERAL (
          SELECT coalesce(sum(v.amount) FILTER (WHERE v.part = 1), 0) AS gross, coalesce(sum(v.amount) FILTER (WHERE v.part > 1), 0) AS fee, count(*) FILTER (WHERE v.amount IS NULL) AS lines
            FROM (SELECT u.part, CASE WHEN %(home)s::text IS NULL OR g.currency = %(home)s THEN u.minor
                                      ELSE round(u.minor * g.rate * 10.0 ^ ((%(exponents)s::jsonb ->> %(home)s)::int - (%(exponents)s::jsonb ->> g.currency)::int)) END AS amount
                    FROM (VALUES (1, g.gross), (2, g.fee), (3, g.tax)) AS u (part, minor) WHERE u.minor <> 0) v) a GROUP BY 1, 2
), run AS (
    SELECT t.*, t.gross - t.fee - t.withheld AS net, sum(t.gross - t.fee - t.withheld) OVER upto AS net_upto, sum(t.fee) OVER upto AS fee_upto,
           sum(t.gross - t.fee - t.withheld) OVER (PARTITION BY t.milestone_id, t.currency) - coalesce(b.net, 0) AS net_left, sum(t.fee) OVER (PARTITION BY t.milestone_id, t.currency) - coalesce(b.fee, 0) AS fee_left,
           t.lines + coalesce(b.lines, 0) AS without_rate
      FROM told t LEFT JOIN back b ON b.milestone_id = t.milestone_id AND b.currency = t.currency
    WINDOW upto AS (PARTITION BY t.milestone_id, t.currency ORDER BY t.number)
), kept AS (
    SELECT r.*, extract(quarter FROM posted_on)::int AS q, greatest(0, least(net_upto, greatest(net_left, 0))) - greatest(0, least(net_upto - net, greatest(net_left, 0))) AS cons,
           greatest(0, least(fee_upto, greatest(fee_left, 0))) - greatest(0, least(fee_upto - fee, greatest(fee_left, 0))) AS fees FROM run r
)
SELECT freelancer_id AS seller_id, currency, extract(year FROM %(first)s::date) AS reporting_year,
       sum(cons) FILTER (WHERE q = 1) AS cons_q1, sum(cons) FILTER (WHERE q = 2) AS cons_q2, sum(cons) FILTER (WHERE q = 3) AS cons_q3, sum(cons) FILTER (WHERE q = 4) AS cons_q4,
       sum(fees) FILTER (WHERE q = 1) AS fees_q1, sum(fees) FILTER (WHERE q = 2) AS fees_q2, sum(fees) FILTER (WHERE q = 3) AS fees_q3, sum(fees) FILTER (WHERE q = 4) AS fees_q4,
       sum(withheld) FILTER (WHERE q = 1) AS taxes_q1, sum(withheld) FILTER (WHERE q = 2) AS taxes_q2, sum(withheld) FILTER (WHERE q = 3) AS taxes_q3, sum(withheld) FILTER (WHERE q = 4) AS taxes_q4,
       count(*) FILTER (WHERE q = 1) AS numb_q1, count(*) FILTER (WHERE q = 2) AS numb_q2, count(*) FILTER (WHERE q = 3) AS numb_q3, count(*) FILTER (WHERE q = 4) AS numb_q4,
       sum(cons) AS consideration, sum(without_rate) AS lines_without_rate
  FROM kept WHERE posted_on BETWEEN %(first)s AND %(last)s GROUP BY 1, 2
