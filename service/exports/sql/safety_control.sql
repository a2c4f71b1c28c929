-- Disputes, chargebacks and cases from their own tables; holds over an amount from the books.
SELECT currency, sum(amount)::bigint AS amount FROM (
    SELECT k.currency, d.amount_minor AS amount FROM dispute d JOIN contract k ON k.id = d.contract_id
     WHERE (d.opened_at AT TIME ZONE %(zone)s)::date <= %(last)s AND d.opened_at <= %(as_of)s AND (d.closed_at IS NULL OR (d.closed_at AT TIME ZONE %(zone)s)::date >= %(first)s)
    UNION ALL SELECT currency, amount_minor FROM chargeback WHERE (opened_at AT TIME ZONE %(zone)s)::date <= %(last)s AND opened_at <= %(as_of)s AND (closed_at IS NULL OR (closed_at AT TIME ZONE %(zone)s)::date >= %(first)s)
    UNION ALL SELECT c.currency, l.amount_minor FROM confiscation c JOIN case_line l ON l.case_id = c.id
     WHERE (c.opened_at AT TIME ZONE %(zone)s)::date <= %(last)s AND c.opened_at <= %(as_of)s AND (coalesce(c.executed_at, c.ended_at) IS NULL OR (coalesce(c.executed_at, c.ended_at) AT TIME ZONE %(zone)s)::date >= %(first)s)
    UNION ALL SELECT h.currency, h.amount_minor FROM hold h
     WHERE h.amount_minor IS NOT NULL AND (h.starts_at AT TIME ZONE %(zone)s)::date <= %(last)s AND h.starts_at <= %(as_of)s AND (h.ended_at IS NULL OR (h.ended_at AT TIME ZONE %(zone)s)::date >= %(first)s)
) AS x GROUP BY 1 ORDER BY 1
