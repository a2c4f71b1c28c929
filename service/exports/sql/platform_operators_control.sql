-- From releases and refunds as rows: what a milestone's releases up to a day still stand for, at the period's end less before it.
WITH released AS (
    SELECT r.milestone_id, r.currency, coalesce(sum(r.net_minor) FILTER (WHERE e.posted_on < %(first)s), 0) AS old_minor,
           coalesce(sum(r.net_minor) FILTER (WHERE e.posted_on BETWEEN %(first)s AND %(last)s), 0) AS minor, coalesce(sum(r.net_minor) FILTER (WHERE e.posted_on > %(last)s), 0) AS newer_minor
      FROM release r JOIN journal_entry e ON e.kind = 'release' AND e.cause_id = r.id WHERE e.position <= %(placed)s GROUP BY 1, 2
), back AS (
    SELECT f.milestone_id, sum(f.from_freelancer_minor) AS minor FROM refund f JOIN journal_entry e ON e.kind = 'refund_after_release' AND e.cause_id = f.id
     WHERE e.position <= %(placed)s GROUP BY 1
)
SELECT r.currency, sum(greatest(0, r.old_minor + r.minor - greatest(0, coalesce(b.minor, 0) - r.newer_minor)) - greatest(0, r.old_minor - greatest(0, coalesce(b.minor, 0) - r.newer_minor - r.minor)))::bigint
       AS consideration
  FROM released r LEFT JOIN back b ON b.milestone_id = r.milestone_id GROUP BY 1 ORDER BY 1
