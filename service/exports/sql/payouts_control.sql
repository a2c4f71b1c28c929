-- From the accounts: what each payout moved out of the balance, what earned and cost it by the legs of releases and refunds,
-- and everything else as what is left of it.
WITH RECURSIVE moved AS (
    SELECT g.number, g.kind, g.cause_id AS payout_id, g.owner_freelancer_id AS freelancer_id, g.currency, g.amount_minor AS minor, g.posted_on
      FROM ledger_leg g
     WHERE g.account = 'available' AND g.kind IN ('payout_request', 'payout_held', 'payout_returned', 'payout_bounced') AND g.posted_on <= %(last)s AND g.position <= %(placed)s
       AND (%(party)s::uuid IS NULL OR g.owner_freelancer_id = %(party)s)
), event AS (
    SELECT m.*, min(number) FILTER (WHERE kind = 'payout_request') OVER later_of_person AS next_request, min(number) FILTER (WHERE kind = 'payout_request') OVER later_of_payout AS again,
           min(number) FILTER (WHERE kind <> 'payout_request') OVER later_of_payout AS undone
      FROM moved m
    WINDOW later_of_person AS (PARTITION BY freelancer_id, currency ORDER BY number DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING),
           later_of_payout AS (PARTITION BY payout_id ORDER BY number DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
), request AS (
    SELECT e.number, e.payout_id, e.freelancer_id, e.currency, e.minor, e.posted_on, e.again, u.next_request AS bearer
      FROM event e LEFT JOIN event u ON u.number = e.undone WHERE e.kind = 'payout_request'
), carried AS (
    SELECT number AS request, number AS bearer FROM request
    UNION ALL SELECT c.request, r.bearer FROM carried c JOIN request r ON r.number = c.bearer WHERE r.bearer IS NOT NULL
), fact AS (
    SELECT g.number, coalesce(g.owner_freelancer_id, k.freelancer_id) AS freelancer_id, g.currency, NULL::bigint AS request, g.amount_minor AS minor,
           CASE WHEN g.account IN ('platform_fees', 'processing_recovered') THEN 'fee' WHEN g.account = 'fee_tax_payable' THEN 'tax' WHEN g.account = 'tax_withheld' THEN 'withheld' ELSE 'gross' END AS part,
           NULL::bigint AS line_no
      FROM ledger_leg g LEFT JOIN contract k ON k.id = g.contract_id
     WHERE g.kind IN ('release', 'refund_after_release') AND g.account IN ('escrow', 'refund_in_flight', 'platform_fees', 'fee_tax_payable', 'processing_recovered', 'tax_withheld')
       AND g.posted_on <= %(last)s AND g.position <= %(placed)s
    UNION ALL
    SELECT g.number, g.owner_freelancer_id, g.currency, NULL, -g.amount_minor, 'own', NULL FROM ledger_leg g
     WHERE g.account IN ('pending', 'available') AND g.posted_on <= %(last)s AND g.position <= %(placed)s
    UNION ALL
    -- How many rows of which lines there are: the accounts have none.
    SELECT l.number, l.party_id, l.currency, NULL, l.amount_minor, 'line', l.line_no FROM party_line l
     WHERE l.party = 'freelancer' AND l.type NOT IN ('payout', 'payout_failed', 'payout_held') AND l.posted_on <= %(last)s AND l.position <= %(placed)s
    UNION ALL
    SELECT number, freelancer_id, currency, number, 0, 'request', NULL FROM request
), placed AS (
    SELECT f.part, f.minor, f.line_no, f.request AS own_request, min(f.request) OVER (PARTITION BY freelancer_id, currency ORDER BY number DESC) AS request,
           sum(f.minor) FILTER (WHERE part = 'own') OVER (PARTITION BY freelancer_id, currency ORDER BY number) AS balance
      FROM fact f
), part AS (
    SELECT c.bearer, sum(p.minor) FILTER (WHERE part = 'gross') AS gross, sum(p.minor) FILTER (WHERE part = 'fee') AS fee, sum(p.minor) FILTER (WHERE part = 'tax') AS tax,
           sum(p.minor) FILTER (WHERE part = 'withheld') AS withheld, count(*) FILTER (WHERE part = 'line') AS rows, sum(p.line_no) AS line_no, sum(p.minor) FILTER (WHERE part = 'line') AS lines
      FROM placed p JOIN carried c ON c.request = p.request GROUP BY 1
)
SELECT r.payout_id, p.line_no, p.gross, p.fee, p.tax, r.minor - coalesce(p.gross, 0) - coalesce(p.fee, 0) - coalesce(p.tax, 0) - coalesce(p.withheld, 0) AS other, r.minor AS net,
       r.minor * (p.rows + (coalesce(b.balance, 0) <> 0)::int + (coalesce(b.balance, 0) + r.minor <> coalesce(p.lines, 0))::int) AS payout_total, p.withheld
  FROM request r JOIN part p ON p.bearer = r.number JOIN placed b ON b.own_request = r.number
 WHERE r.again IS NULL AND r.posted_on BETWEEN %(first)s AND %(last)s
