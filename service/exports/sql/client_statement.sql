WITH line AS (
    SELECT l.party_id, l.currency, l.type, l.amount_minor, l.locked_minor, k.freelancer_id, l.cause_id, l.kind,
           coalesce((l.occurred_at AT TIME ZONE %(own_zone)s::text)::date, l.posted_on) AS day
      FROM party_line l LEFT JOIN contract k ON k.id = l.contract_id
     WHERE l.party = 'client' AND l.position <= %(placed)s AND (%(party)s::uuid IS NULL OR l.party_id = %(party)s)
), told AS (
    SELECT *, day < %(first)s AS before FROM line WHERE day <= %(last)s
), summed AS (
    SELECT party_id, currency, coalesce(sum(amount_minor) FILTER (WHERE before), 0) AS opening,
           coalesce(sum(amount_minor) FILTER (WHERE NOT before AND type = 'funding'), 0) AS funded,
           -coalesce(sum(amount_minor) FILTER (WHERE NOT before AND type = 'release'), 0) AS released,
           -coalesce(sum(amount_minor) FILTER (WHERE NOT before AND type IN ('refund_from_escrow', 'refund_from_escrow_failed')), 0) AS refunded,
           -coalesce(sum(amount_minor) FILTER (WHERE NOT before AND type IN ('refund_after_release', 'refund_after_release_failed')), 0) AS after_release,
           -coalesce(sum(amount_minor) FILTER (WHERE NOT before AND type = 'confiscation'), 0) AS confiscated,
           -coalesce(sum(amount_minor) FILTER (WHERE NOT before AND type IN ('chargeback_lost', 'chargeback_lock', 'chargeback_return')), 0) AS charged_back,
           coalesce(sum(amount_minor) FILTER (WHERE NOT before AND type = 'confiscation_returned'), 0) AS returned,
           coalesce(sum(amount_minor) FILTER (WHERE NOT before AND type = 'returned_by_freelancer'), 0) AS from_freelancer,
           coalesce(sum(amount_minor) FILTER (WHERE NOT before AND type = 'received_unmatched'), 0) AS unmatched,
           -coalesce(sum(amount_minor) FILTER (WHERE NOT before AND type IN ('refund_of_unmatched', 'refund_of_unmatched_failed')), 0) AS unmatched_back,
           -coalesce(sum(amount_minor) FILTER (WHERE NOT before AND type IN ('refund_after_case', 'refund_after_case_failed')), 0) AS after_case,
           -coalesce(sum(amount_minor) FILTER (WHERE NOT before AND type = 'processing_cost'), 0) AS processing,
           -coalesce(sum(amount_minor) FILTER (WHERE NOT before AND type = 'client_fee'), 0) AS fee,
           coalesce(sum(locked_minor), 0) AS locked, coalesce(sum(amount_minor), 0) AS closing
      FROM told GROUP BY 1, 2
), account AS (
    -- What each account held on the last day, and whether a hold without an amount reached it then.
    SELECT a.client_id, a.currency, a.kind, (sum(CASE p.credit_account WHEN a.id THEN p.amount ELSE -p.amount END))::bigint AS amount,
           EXISTS (SELECT 1 FROM hold h
                    WHERE h.amount_minor IS NULL AND h.starts_at <= %(as_of)s AND (h.starts_at AT TIME ZONE coalesce(%(own_zone)s, %(zone)s))::date <= %(last)s
                      AND (h.ended_at IS NULL OR h.ended_at > %(as_of)s OR (h.ended_at AT TIME ZONE coalesce(%(own_zone)s, %(zone)s))::date > %(last)s)
                      AND h.subject_id IN (SELECT hold_subjects(a.kind, a.owner))) AS frozen
      FROM ledger_account a JOIN posting p ON a.id IN (p.debit_account, p.credit_account) JOIN journal_entry e ON e.id = p.entry_id
     WHERE a.kind IN ('escrow', 'disputed', 'suspense', 'refund_in_flight', 'unclaimed') AND e.position <= %(placed)s AND (%(party)s::uuid IS NULL OR a.client_id = %(party)s)
       AND coalesce((e.occurred_at AT TIME ZONE %(own_zone)s::text)::date, e.posted_on) <= %(last)s
     GROUP BY a.id
), closing AS (
    SELECT client_id, currency, coalesce(sum(amount) FILTER (WHERE frozen), 0)::bigint AS frozen, coalesce(sum(amount) FILTER (WHERE kind = 'refund_in_flight'), 0)::bigint AS on_its_way
      FROM account GROUP BY 1, 2
), by_freelancer AS (
    SELECT party_id, currency, string_agg(name || ' ' || released, '; ' ORDER BY name, freelancer_id) AS names
      FROM (SELECT t.party_id, t.currency, t.freelancer_id, f.display_name AS name,
                   round(-sum(t.amount_minor) / 10.0 ^ (%(exponents)s::jsonb ->> t.currency)::int, (%(exponents)s::jsonb ->> t.currency)::int)::text AS released
              FROM told t JOIN freelancer f ON f.id = t.freelancer_id WHERE t.type = 'release' AND NOT t.before GROUP BY 1, 2, 3, 4) x GROUP BY 1, 2
), paid AS (
    SELECT t.party_id, t.currency, string_agg(DISTINCT p.method, ' ') AS methods
      FROM told t JOIN payment p ON p.id = t.cause_id WHERE t.kind IN ('fund', 'suspend_receipt') AND NOT t.before GROUP BY 1, 2
)
SELECT s.party_id AS client_id, c.email AS client, %(first)s::date AS period_start, %(last)s::date AS period_end, s.currency, opening::bigint AS held_opening,
       funded::bigint, released::bigint, refunded::bigint AS refunded_from_escrow, after_release::bigint AS refunded_after_release,
       confiscated::bigint, charged_back::bigint, closing::bigint AS held_closing, locked::bigint AS of_which_locked, coalesce(o.frozen, 0) AS of_which_frozen,
       coalesce(o.on_its_way, 0) AS of_which_on_its_way, returned::bigint AS returned_after_confiscation, after_case::bigint AS refunded_after_confiscation,
       from_freelancer::bigint AS returned_by_freelancers, unmatched::bigint AS received_unmatched, unmatched_back::bigint AS refunded_unmatched,
       processing::bigint AS processing_paid, fee::bigint AS client_fee_paid, b.names AS released_by_freelancer, p.methods AS payment_methods
  FROM summed s JOIN client c ON c.id = s.party_id
  LEFT JOIN closing o ON o.client_id = s.party_id AND o.currency = s.currency
  LEFT JOIN by_freelancer b ON b.party_id = s.party_id AND b.currency = s.currency
  LEFT JOIN paid p ON p.party_id = s.party_id AND p.currency = s.currency
 ORDER BY s.party_id, s.currency
