-- From what left escrow by releases, past the people's lines: by payee, month by month.
WITH left_escrow AS (
    SELECT g.owner_freelancer_id AS payee_id, g.entry_id, extract(month FROM g.posted_on)::int AS month,
           CASE WHEN g.currency = 'USD' THEN sum(g.amount_minor)
                ELSE round(sum(g.amount_minor) * 10.0 ^ (-(%(exponents)s::jsonb ->> g.currency)::int) * (SELECT x.rate FROM fx_on(g.currency, 'USD', g.posted_on, %(as_of)s) x), 2) * 100 END AS minor
      FROM ledger_leg g WHERE g.kind = 'release' AND g.account = 'escrow' AND g.posted_on BETWEEN %(first)s AND %(last)s AND g.position <= %(placed)s
     GROUP BY g.owner_freelancer_id, g.entry_id, g.currency, g.posted_on
), withheld AS (
    SELECT k.freelancer_id AS payee_id, sum(CASE WHEN g.currency = 'USD' THEN -g.amount_minor
                ELSE round(-g.amount_minor * 10.0 ^ (-(%(exponents)s::jsonb ->> g.currency)::int) * (SELECT x.rate FROM fx_on(g.currency, 'USD', g.posted_on, %(as_of)s) x), 2) * 100 END) AS minor
      FROM ledger_leg g JOIN tax_due d ON d.id = g.owner AND d.regime = 'us_backup' JOIN contract k ON k.id = g.contract_id
     WHERE g.account = 'tax_withheld' AND g.kind = 'release' AND g.posted_on BETWEEN %(first)s AND %(last)s AND g.position <= %(placed)s GROUP BY 1
)
SELECT l.payee_id, extract(year FROM %(first)s::date) AS tax_year, sum(minor) AS box_1a, 0 AS box_1b, count(*) AS box_3, (SELECT w.minor FROM withheld w WHERE w.payee_id = l.payee_id) AS box_4,
       sum(minor) FILTER (WHERE month = 1) AS box_5a, sum(minor) FILTER (WHERE month = 2) AS box_5b, sum(minor) FILTER (WHERE month = 3) AS box_5c, sum(minor) FILTER (WHERE month = 4) AS box_5d,
       sum(minor) FILTER (WHERE month = 5) AS box_5e, sum(minor) FILTER (WHERE month = 6) AS box_5f, sum(minor) FILTER (WHERE month = 7) AS box_5g, sum(minor) FILTER (WHERE month = 8) AS box_5h,
       sum(minor) FILTER (WHERE month = 9) AS box_5i, sum(minor) FILTER (WHERE month = 10) AS box_5j, sum(minor) FILTER (WHERE month = 11) AS box_5k, sum(minor) FILTER (WHERE month = 12) AS box_5l,
       0 AS box_8_state_withheld, count(*) FILTER (WHERE minor IS NULL) AS lines_without_rate
  FROM left_escrow l GROUP BY 1
