-- From releases and refunds as rows: what was released in the period, less fees and processing, less the freelancer's part of what was given back of it.
WITH of_period AS (
    SELECT r.milestone_id, r.currency, r.net_minor, e.number
      FROM release r JOIN journal_entry e ON e.kind = 'release' AND typeid_uuid(e.cause) = r.id
     WHERE e.posted_on BETWEEN %(first)s AND %(last)s AND e.recorded_at <= %(as_of)s
), back AS (
    SELECT f.currency, sum(f.from_freelancer_minor) AS minor
      FROM refund f JOIN journal_entry e ON e.kind = 'refund_after_release' AND typeid_uuid(e.cause) = f.id
     WHERE e.recorded_at <= %(as_of)s
       AND (SELECT x.posted_on FROM release r JOIN journal_entry x ON x.kind = 'release' AND typeid_uuid(x.cause) = r.id
             WHERE r.milestone_id = f.milestone_id AND x.number < e.number ORDER BY x.number DESC LIMIT 1) BETWEEN %(first)s AND %(last)s
     GROUP BY 1
)
SELECT p.currency, (sum(p.net_minor) - coalesce((SELECT b.minor FROM back b WHERE b.currency = p.currency), 0))::bigint AS consideration FROM of_period p GROUP BY 1 ORDER BY 1
