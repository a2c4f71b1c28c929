-- From what left escrow by releases, past the people's lines.
WITH left_escrow AS (
    SELECT CASE WHEN g.currency = 'USD' THEN sum(g.amount_minor)
                ELSE round(sum(g.amount_minor) / 10.0 ^ (%(exponents)s::jsonb ->> g.currency)::int * (SELECT x.rate FROM fx_on(g.currency, 'USD', g.posted_on, %(as_of)s) x), 2) * 100 END AS minor
      FROM ledger_leg g WHERE g.kind = 'release' AND g.account = 'escrow' AND g.posted_on BETWEEN %(first)s AND %(last)s AND g.position <= %(placed)s
     GROUP BY g.entry_id, g.currency, g.posted_on
)
SELECT 'USD' AS currency, coalesce(sum(minor), 0)::bigint AS box_1a FROM left_escrow
