WITH line AS (
    SELECT party_id, currency, type, amount_minor, posted_on < %(first)s AS before
      FROM party_line
     WHERE party = 'client' AND posted_on <= %(last)s AND position <= %(placed)s AND (%(party)s::uuid IS NULL OR party_id = %(party)s)
), locked AS (
    SELECT k.client_id, g.currency, (-sum(g.amount_minor))::bigint AS amount FROM ledger_leg g JOIN milestone m ON m.id = g.owner JOIN contract k ON k.id = m.contract_id
     WHERE g.account = 'disputed' AND g.posted_on <= %(last)s AND g.position <= %(placed)s GROUP BY 1, 2
), after AS (
    SELECT k.client_id, l.currency, (-sum(l.amount_minor))::bigint AS amount FROM party_line l JOIN contract k ON k.id = l.contract_id
     WHERE l.party = 'freelancer' AND l.type = 'refund_after_release' AND l.posted_on BETWEEN %(first)s AND %(last)s AND l.position <= %(placed)s GROUP BY 1, 2
), summed AS (
    SELECT party_id, currency, coalesce(sum(amount_minor) FILTER (WHERE before), 0) AS opening,
           coalesce(sum(amount_minor) FILTER (WHERE NOT before AND type = 'funding'), 0) AS funded,
           -coalesce(sum(amount_minor) FILTER (WHERE NOT before AND type = 'release'), 0) AS released,
           -coalesce(sum(amount_minor) FILTER (WHERE NOT before AND type IN ('refund_from_escrow', 'refund_failed')), 0) AS refunded,
           -coalesce(sum(amount_minor) FILTER (WHERE NOT before AND type IN ('confiscation', 'confiscation_returned')), 0) AS confiscated,
           -coalesce(sum(amount_minor) FILTER (WHERE NOT before AND type = 'chargeback_lost'), 0) AS charged_back,
           coalesce(sum(amount_minor), 0) AS closing
      FROM line GROUP BY 1, 2
)
SELECT s.party_id AS client_id, c.email AS client, %(first)s::date AS period_start, %(last)s::date AS period_end, s.currency, opening::bigint AS held_opening,
       funded::bigint, released::bigint, refunded::bigint AS refunded_from_escrow, coalesce(after.amount, 0) AS refunded_after_release,
       confiscated::bigint, charged_back::bigint, closing::bigint AS held_closing, coalesce(locked.amount, 0) AS of_which_locked
  FROM summed s JOIN client c ON c.id = s.party_id
  LEFT JOIN after ON after.client_id = s.party_id AND after.currency = s.currency
  LEFT JOIN locked ON locked.client_id = s.party_id AND locked.currency = s.currency
 ORDER BY s.party_id, s.currency
