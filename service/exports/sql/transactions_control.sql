-- From the accounts' side: what each party's own accounts changed by, leg by leg, the balances that this adds up to, and
-- each line of it in the currency that was asked for.
WITH own AS (
    SELECT CASE WHEN g.account IN ('pending', 'available') THEN 'freelancer' ELSE 'client' END AS party,
           CASE WHEN g.account IN ('pending', 'available') THEN g.owner_freelancer_id ELSE g.owner_client_id END AS party_id, g.currency, g.account,
           coalesce((g.occurred_at AT TIME ZONE %(own_zone)s::text)::date, g.posted_on) AS day, -g.amount_minor AS minor
      FROM ledger_leg g
     WHERE g.account IN ('pending', 'available', 'escrow', 'disputed', 'suspense', 'refund_in_flight', 'unclaimed') AND g.position <= %(placed)s
       AND (%(party)s::uuid IS NULL OR CASE WHEN g.account IN ('pending', 'available') THEN g.owner_freelancer_id ELSE g.owner_client_id END = %(party)s)
), moved AS (
    SELECT party, party_id, currency, coalesce(sum(minor) FILTER (WHERE day BETWEEN %(first)s AND %(last)s), 0) AS amount,
           coalesce(sum(minor) FILTER (WHERE account = 'disputed' AND day BETWEEN %(first)s AND %(last)s), 0) AS locked
      FROM own GROUP BY 1, 2, 3
), numbered AS (
    SELECT l.party, l.party_id, l.currency, l.line_no, l.amount_minor, l.posted_on, coalesce((l.occurred_at AT TIME ZONE %(own_zone)s::text)::date, l.posted_on) AS day,
           row_number() OVER (PARTITION BY l.party, l.party_id, l.currency ORDER BY l.number DESC, l.line_no DESC) AS place
      FROM party_line l WHERE l.position <= %(placed)s AND (%(party)s::uuid IS NULL OR l.party_id = %(party)s)
), counted AS (
    -- A line is in its own running balance and in that of every line after it.
    SELECT n.*, count(*) FILTER (WHERE day BETWEEN %(first)s AND %(last)s) OVER (PARTITION BY party, party_id, currency ORDER BY place) AS times FROM numbered n
), rated AS (
    SELECT d.currency, d.day, x.rate FROM (SELECT DISTINCT currency, posted_on AS day FROM numbered WHERE currency <> %(home)s) d CROSS JOIN LATERAL fx_on(d.currency, %(home)s, d.day, %(as_of)s) x
), summed AS (
    SELECT c.party, c.party_id, c.currency, sum(c.line_no) FILTER (WHERE c.day BETWEEN %(first)s AND %(last)s) AS line_no, sum(c.amount_minor * c.times) AS running_balance,
           sum(r.rate) FILTER (WHERE c.day BETWEEN %(first)s AND %(last)s) AS fx_rate,
           sum(round(c.amount_minor * r.rate * 10.0 ^ (-(%(exponents)s::jsonb ->> c.currency)::int), (%(exponents)s::jsonb ->> %(home)s)::int))
               FILTER (WHERE c.day BETWEEN %(first)s AND %(last)s) AS fx_amount
      FROM counted c LEFT JOIN rated r ON r.currency = c.currency AND r.day = c.posted_on GROUP BY 1, 2, 3
)
SELECT s.party, s.party_id, s.currency, s.line_no, m.amount, s.running_balance, s.fx_rate, s.fx_amount, m.locked
  FROM summed s LEFT JOIN moved m ON m.party = s.party AND m.party_id = s.party_id AND m.currency = s.currency
