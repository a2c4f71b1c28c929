-- Each line belongs to the next payout of its person and currency; what stayed in the balance before and after has a row of its own.
WITH line AS (
    SELECT l.*, sum(l.amount_minor) OVER own AS balance, count(*) FILTER (WHERE l.type = 'payout') OVER own AS paid
      FROM party_line l
     WHERE l.party = 'freelancer' AND l.posted_on <= %(last)s AND l.position <= %(placed)s AND (%(party)s::uuid IS NULL OR l.party_id = %(party)s)
    WINDOW own AS (PARTITION BY l.party_id, l.currency ORDER BY l.number, l.line_no)
), paid AS (
    SELECT party_id, currency, paid, cause_id AS payout_id, number, posted_on, -amount_minor AS total, balance,
           lag(balance, 1, 0::numeric) OVER (PARTITION BY party_id, currency ORDER BY number) AS balance_before
      FROM line WHERE type = 'payout'
), ended AS (
    SELECT a.owner AS payout_id, CASE e.kind WHEN 'payout_paid' THEN 'arrived' ELSE 'failed' END AS status, e.posted_on,
           row_number() OVER (PARTITION BY a.owner ORDER BY e.number DESC) AS newest
      FROM journal_entry e JOIN posting p ON p.entry_id = e.id JOIN ledger_account a ON a.id = p.debit_account AND a.kind = 'payout_in_flight'
     WHERE e.posted_on <= %(last)s AND e.position <= %(placed)s
), item AS (
    SELECT p.payout_id, l.entry_id, l.line_no, l.type, l.contract_id, l.milestone_id, l.amount_minor, l.number
      FROM paid p JOIN line l ON l.party_id = p.party_id AND l.currency = p.currency AND l.paid = p.paid - 1 AND l.type <> 'payout'
    UNION ALL
    SELECT payout_id, NULL, NULL, 'carried_in', NULL, NULL, balance_before, 0 FROM paid WHERE balance_before <> 0
    UNION ALL
    SELECT payout_id, NULL, NULL, 'carried_over', NULL, NULL, -balance, number + 1 FROM paid WHERE balance <> 0
)
SELECT p.payout_id, p.party_id AS freelancer_id, p.posted_on AS initiated_on, CASE e.status WHEN 'arrived' THEN e.posted_on END AS arrived_on,
       coalesce(e.status, 'in_transit') AS status, o.stripe_payout_id AS psp_reference, p.currency, i.entry_id AS event_id, i.line_no, i.type, i.contract_id, i.milestone_id,
       CASE WHEN i.type IN ('release', 'refund_after_release') THEN i.amount_minor ELSE 0 END::bigint AS gross,
       CASE WHEN i.type IN ('platform_fee', 'platform_fee_refund', 'processing_cost', 'processing_cost_refund') THEN i.amount_minor ELSE 0 END::bigint AS fee,
       CASE WHEN i.type IN ('fee_tax', 'fee_tax_refund') THEN i.amount_minor ELSE 0 END::bigint AS tax,
       CASE WHEN i.type IN ('release', 'refund_after_release', 'platform_fee', 'platform_fee_refund', 'processing_cost', 'processing_cost_refund', 'fee_tax', 'fee_tax_refund', 'tax_withheld')
            THEN 0 ELSE i.amount_minor END::bigint AS other,
       i.amount_minor::bigint AS net, p.total::bigint AS payout_total, CASE WHEN i.type = 'tax_withheld' THEN i.amount_minor ELSE 0 END::bigint AS withheld
  FROM paid p JOIN item i ON i.payout_id = p.payout_id JOIN payout o ON o.id = p.payout_id LEFT JOIN ended e ON e.payout_id = p.payout_id AND e.newest = 1
 WHERE p.posted_on >= %(first)s
 ORDER BY p.party_id, p.currency, p.number, i.number, i.line_no NULLS FIRST
