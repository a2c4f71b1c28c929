-- Each line belongs to the next payout of its person and currency. A payout whose money came back (it failed, or a hold
-- stopped it) gives its lines to the next one that is asked for, which may be itself once more. What stayed in the balance
-- before and after has a row of its own.
WITH RECURSIVE line AS (
    SELECT l.*, sum(l.amount_minor) OVER (PARTITION BY l.party_id, l.currency ORDER BY l.number, l.line_no) AS balance,
           -- Downwards, since a frame that begins at the row would be counted anew for each.
           min(l.number) FILTER (WHERE l.type = 'payout') OVER (PARTITION BY l.party_id, l.currency ORDER BY l.number DESC, l.line_no DESC) AS request
      FROM party_line l
     WHERE l.party = 'freelancer' AND l.posted_on <= %(last)s AND l.position <= %(placed)s AND (%(party)s::uuid IS NULL OR l.party_id = %(party)s)
), asked AS (
    SELECT party_id, currency, number, cause_id AS payout_id, posted_on, -amount_minor AS total, balance, lead(number) OVER (PARTITION BY cause_id ORDER BY number) AS again
      FROM line WHERE type = 'payout'
), undone AS (
    -- `bearer`: the next request after its money came back.
    SELECT DISTINCT ON (a.number) a.number, l.request AS bearer, CASE l.type WHEN 'payout_held' THEN 'held' ELSE 'failed' END AS status
      FROM asked a JOIN line l ON l.cause_id = a.payout_id AND l.type IN ('payout_failed', 'payout_held') AND l.number > a.number AND (a.again IS NULL OR l.number < a.again)
     ORDER BY a.number, l.number DESC
), bears AS (
    SELECT number AS request, number AS bearer FROM asked
    UNION ALL SELECT b.request, u.bearer FROM bears b JOIN undone u ON u.number = b.bearer WHERE u.bearer IS NOT NULL
), item AS (
    SELECT b.bearer, l.entry_id, l.line_no, l.type, l.contract_id, l.milestone_id, l.amount_minor, l.number
      FROM line l JOIN bears b ON b.request = l.request WHERE l.type NOT IN ('payout', 'payout_failed', 'payout_held')
), told AS (
    SELECT bearer, entry_id, line_no, type, contract_id, milestone_id, amount_minor, number FROM item
    UNION ALL
    SELECT a.number, NULL, NULL, 'carried_in', NULL, NULL, a.total + a.balance - coalesce(i.minor, 0), 0
      FROM asked a LEFT JOIN (SELECT bearer, sum(amount_minor) AS minor FROM item GROUP BY 1) i ON i.bearer = a.number WHERE a.total + a.balance <> coalesce(i.minor, 0)
    UNION ALL
    SELECT number, NULL, NULL, 'carried_over', NULL, NULL, -balance, number + 1 FROM asked WHERE balance <> 0
), arrived AS (
    SELECT e.cause_id AS payout_id, max(e.posted_on) AS posted_on FROM journal_entry e WHERE e.kind = 'payout_paid' AND e.posted_on <= %(last)s AND e.position <= %(placed)s GROUP BY 1
)
SELECT a.payout_id, a.party_id AS freelancer_id, a.posted_on AS initiated_on, CASE WHEN u.number IS NULL THEN r.posted_on END AS arrived_on,
       coalesce(u.status, CASE WHEN r.payout_id IS NULL THEN 'in_transit' ELSE 'arrived' END) AS status, CASE WHEN o.sent_at <= %(as_of)s THEN o.stripe_payout_id END AS psp_reference,
       a.currency, i.entry_id AS event_id, i.line_no, i.type, i.contract_id, i.milestone_id,
       CASE WHEN i.type IN ('release', 'refund_after_release') THEN i.amount_minor ELSE 0 END::bigint AS gross,
       CASE WHEN i.type IN ('platform_fee', 'platform_fee_refund', 'processing_cost', 'processing_cost_refund') THEN i.amount_minor ELSE 0 END::bigint AS fee,
       CASE WHEN i.type IN ('fee_tax', 'fee_tax_refund') THEN i.amount_minor ELSE 0 END::bigint AS tax,
       CASE WHEN i.type IN ('release', 'refund_after_release', 'platform_fee', 'platform_fee_refund', 'processing_cost', 'processing_cost_refund', 'fee_tax', 'fee_tax_refund', 'tax_withheld')
            THEN 0 ELSE i.amount_minor END::bigint AS other,
       i.amount_minor::bigint AS net, a.total::bigint AS payout_total, CASE WHEN i.type = 'tax_withheld' THEN i.amount_minor ELSE 0 END::bigint AS withheld
  FROM asked a JOIN told i ON i.bearer = a.number JOIN payout o ON o.id = a.payout_id
  LEFT JOIN undone u ON u.number = a.number LEFT JOIN arrived r ON r.payout_id = a.payout_id
 -- Of a payout that was held and asked for again only the newest request is one.
 WHERE a.again IS NULL AND a.posted_on BETWEEN %(first)s AND %(last)s
 ORDER BY a.party_id, a.currency, a.number, i.number, i.line_no NULLS FIRST
