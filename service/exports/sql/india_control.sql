-- From the rows of releases and refunds, past the lines.
WITH fact AS (
    SELECT r.freelancer_id, r.currency, r.gross_minor AS gross, r.fee_minor + r.processing_minor AS fee, e.posted_on, e.position
      FROM release r JOIN journal_entry e ON e.kind = 'release' AND e.cause_id = r.id
    UNION ALL
    SELECT k.freelancer_id, f.currency, -f.amount_minor, -(f.amount_minor - f.from_freelancer_minor), e.posted_on, e.position
      FROM refund f JOIN milestone m ON m.id = f.milestone_id JOIN contract k ON k.id = m.contract_id
      JOIN journal_entry e ON e.kind = 'refund_after_release' AND e.cause_id = f.id
)
SELECT f.currency, sum(f.gross)::bigint AS gross, sum(f.fee)::bigint AS fee FROM fact f JOIN freelancer p ON p.id = f.freelancer_id
 WHERE f.posted_on BETWEEN %(first)s AND %(last)s AND f.position <= %(placed)s AND (f.freelancer_id = %(party)s OR (%(party)s::uuid IS NULL AND p.country = 'IN'))
 GROUP BY 1 ORDER BY 1
