-- From the accounts of each client, leg by leg, past the people's lines: every term of what was held, and what is held.
WITH leg AS (
    SELECT g.*, coalesce((g.occurred_at AT TIME ZONE %(own_zone)s::text)::date, g.posted_on) AS day, a.source
      FROM ledger_leg g
      LEFT JOIN refund r ON r.id = g.cause_id LEFT JOIN refund a ON a.cause = r.cause AND a.attempt = 1
     WHERE g.account IN ('escrow', 'disputed', 'suspense', 'refund_in_flight', 'unclaimed') AND g.position <= %(placed)s
       AND (%(party)s::uuid IS NULL OR g.owner_client_id = %(party)s)
), summed AS (
    SELECT owner_client_id AS client_id, currency, -sum(amount_minor) FILTER (WHERE day < %(first)s) AS opening, -sum(amount_minor) AS closing,
           -sum(amount_minor) FILTER (WHERE kind = 'fund' AND day >= %(first)s) AS funded,
           sum(amount_minor) FILTER (WHERE kind = 'release' AND day >= %(first)s) AS released,
           sum(amount_minor) FILTER (WHERE (kind IN ('refund_succeeded', 'refund_bounced') AND source NOT IN ('released', 'suspense', 'case') OR kind = 'refund_outside' AND account <> 'suspense')
                                           AND day >= %(first)s) AS refunded,
           sum(amount_minor) FILTER (WHERE kind IN ('refund_succeeded', 'refund_bounced') AND source = 'released' AND day >= %(first)s) AS after_release,
           sum(amount_minor) FILTER (WHERE kind IN ('refund_succeeded', 'refund_bounced') AND source = 'case' AND day >= %(first)s) AS after_case,
           sum(amount_minor) FILTER (WHERE (kind IN ('refund_succeeded', 'refund_bounced') AND source = 'suspense' OR kind = 'refund_outside' AND account = 'suspense')
                                           AND day >= %(first)s) AS unmatched_back,
           sum(amount_minor) FILTER (WHERE kind = 'confiscate' AND day >= %(first)s) AS confiscated,
           -sum(amount_minor) FILTER (WHERE kind IN ('case_refund', 'restore') AND day >= %(first)s) AS returned,
           sum(amount_minor) FILTER (WHERE kind IN ('chargeback_lock', 'chargeback_lost', 'chargeback_won') AND day >= %(first)s) AS charged_back,
           -sum(amount_minor) FILTER (WHERE kind = 'refund_after_release' AND day >= %(first)s) AS from_freelancer,
           -sum(amount_minor) FILTER (WHERE kind = 'suspend_receipt' AND day >= %(first)s) AS unmatched,
           -sum(amount_minor) FILTER (WHERE account = 'disputed') AS locked, -sum(amount_minor) FILTER (WHERE account = 'refund_in_flight') AS on_its_way
      FROM leg WHERE day <= %(last)s GROUP BY 1, 2
), on_top AS (
    SELECT k.client_id, g.currency, -sum(g.amount_minor) FILTER (WHERE g.account = 'processing_recovered') AS processing, -sum(g.amount_minor) FILTER (WHERE g.account = 'platform_fees') AS fee
      FROM ledger_leg g JOIN contract k ON k.id = g.contract_id
     WHERE g.kind = 'fund' AND g.position <= %(placed)s AND (%(party)s::uuid IS NULL OR k.client_id = %(party)s)
       AND coalesce((g.occurred_at AT TIME ZONE %(own_zone)s::text)::date, g.posted_on) BETWEEN %(first)s AND %(last)s GROUP BY 1, 2
), hit AS (
    -- From the holds' side: the owners that each one in force on the last day reached.
    SELECT DISTINCT o.owner FROM hold h CROSS JOIN LATERAL hold_owners(h.subject_id) AS o (owner)
     WHERE h.amount_minor IS NULL AND h.starts_at <= %(as_of)s AND (h.starts_at AT TIME ZONE coalesce(%(own_zone)s, %(zone)s))::date <= %(last)s
       AND NOT coalesce(h.ended_at <= %(as_of)s AND (h.ended_at AT TIME ZONE coalesce(%(own_zone)s, %(zone)s))::date <= %(last)s, false)
       AND (h.subject_kind <> 'payment' OR o.owner = h.subject_id
            OR EXISTS (SELECT 1 FROM payment_line l WHERE l.payment_id = h.subject_id AND l.milestone_id = o.owner AND l.funded))
), frozen AS (
    SELECT l.owner_client_id AS client_id, l.currency, -sum(l.amount_minor) AS amount FROM leg l JOIN hit h ON h.owner = l.owner WHERE l.day <= %(last)s GROUP BY 1, 2
)
SELECT s.client_id, s.currency, opening AS held_opening, funded, released, refunded AS refunded_from_escrow, after_release AS refunded_after_release, confiscated, charged_back,
       closing AS held_closing, locked AS of_which_locked, f.amount AS of_which_frozen, on_its_way AS of_which_on_its_way, returned AS returned_after_confiscation,
       after_case AS refunded_after_confiscation, from_freelancer AS returned_by_freelancers, unmatched AS received_unmatched, unmatched_back AS refunded_unmatched,
       t.processing AS processing_paid, t.fee AS client_fee_paid
  FROM summed s LEFT JOIN on_top t ON t.client_id = s.client_id AND t.currency = s.currency LEFT JOIN frozen f ON f.client_id = s.client_id AND f.currency = s.currency
