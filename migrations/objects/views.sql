-- What finance reads: the books leg by leg, and every party's lines as a person would write them down. Views only, so the
-- application still owns nothing and every figure comes from the postings themselves.
-- `cause`, last in each, is what people read; what is about what is joined by `cause_id`.
DROP VIEW IF EXISTS psp_match, party_line, ledger_leg;

-- Each posting as two legs: its debit (+) and its credit (-). Per entry and currency they sum to zero.
CREATE VIEW ledger_leg AS
SELECT e.number, e.id AS entry_id, 2 * p.line_no - CASE side WHEN 1 THEN 1 ELSE 0 END AS line_no, e.kind,
       e.cause_type, e.cause_id, e.cause_sequence, e.contract_id, e.actor, e.posted_on,
       e.effective_on, e.occurred_at, e.recorded_at, e.description, e.position,
       a.id AS account_id, a.kind AS account, a.owner_type, a.owner, a.freelancer_id AS owner_freelancer_id, a.client_id AS owner_client_id,
       a.contract_id AS owner_contract_id, p.currency, side * p.amount AS amount_minor, e.cause
  FROM journal_entry e
  JOIN posting p ON p.entry_id = e.id
 CROSS JOIN (VALUES (1), (-1)) AS s (side)
  JOIN ledger_account a ON a.id = CASE side WHEN 1 THEN p.debit_account ELSE p.credit_account END;

-- A party's lines. Freelancer: what is pending and available, with gross and fee apart. Client: what is held for them
-- (escrow and disputed). `amount_minor` is signed from the party's view; moves between a party's own accounts are no line.
CREATE VIEW party_line AS
WITH line AS (
    SELECT e.number, e.id AS entry_id, p.line_no, e.kind, e.cause_type, e.cause_id, e.cause_sequence, e.contract_id, e.posted_on, e.effective_on, e.occurred_at, e.recorded_at, e.description, e.position, e.cause,
           p.amount, p.currency, d.kind AS debit, d.owner AS debit_owner, c.kind AS credit, c.owner AS credit_owner
      FROM journal_entry e JOIN posting p ON p.entry_id = e.id
      JOIN ledger_account d ON d.id = p.debit_account JOIN ledger_account c ON c.id = p.credit_account
), freelancer AS (
    -- What changes the person's own accounts.
    SELECT l.*, CASE WHEN credit IN ('pending', 'available') THEN credit_owner ELSE debit_owner END AS party_id,
           CASE WHEN credit IN ('pending', 'available') THEN amount ELSE -amount END AS signed,
           CASE kind WHEN 'release' THEN 'release' WHEN 'refund_after_release' THEN 'refund_after_release' WHEN 'payout_request' THEN 'payout'
                     WHEN 'confiscate' THEN 'confiscation' WHEN 'case_remainder' THEN 'confiscation_returned' WHEN 'restore' THEN 'confiscation_returned'
                     WHEN 'hold_reserve' THEN 'freeze' WHEN 'chargeback_lock' THEN 'freeze'
                     ELSE CASE WHEN kind IN ('payout_held', 'payout_returned', 'payout_bounced') THEN 'payout_failed' ELSE 'unfreeze' END END AS type,
           CASE WHEN debit = 'escrow' THEN debit_owner WHEN kind = 'refund_after_release' THEN (SELECT milestone_id FROM refund r WHERE r.id = l.cause_id) END AS milestone_id
      FROM line l WHERE (debit IN ('pending', 'available')) <> (credit IN ('pending', 'available'))
    UNION ALL
    -- A release is its gross; what the platform kept of it is a line of its own. The other way round when money is given back.
    SELECT l.*, k.freelancer_id, part * amount,
           CASE WHEN part * (CASE l.kind WHEN 'release' THEN 1 ELSE -1 END) = 1 THEN l.kind
                ELSE CASE CASE l.kind WHEN 'release' THEN credit ELSE debit END WHEN 'platform_fees' THEN 'platform_fee' WHEN 'fee_tax_payable' THEN 'fee_tax'
                          WHEN 'processing_recovered' THEN 'processing_cost' WHEN 'tax_withheld' THEN 'tax_withheld' ELSE 'debt' END
                     || CASE WHEN l.kind = 'refund_after_release' AND debit <> 'recoverable' THEN '_refund' ELSE '' END END,
           CASE WHEN debit = 'escrow' THEN debit_owner ELSE (SELECT milestone_id FROM refund r WHERE r.id = l.cause_id) END
      FROM line l JOIN contract k ON k.id = l.contract_id CROSS JOIN (VALUES (1), (-1)) AS s (part)
     WHERE (l.kind = 'release' AND debit = 'escrow' AND credit <> 'pending')
        OR (l.kind = 'refund_after_release' AND credit = 'refund_in_flight' AND debit NOT IN ('pending', 'available'))
), client AS (
    SELECT l.*, k.client_id AS party_id, CASE WHEN credit IN ('escrow', 'disputed') THEN amount ELSE -amount END AS signed,
           CASE l.kind WHEN 'fund' THEN 'funding' WHEN 'release' THEN 'release' WHEN 'refund_request' THEN 'refund_from_escrow' WHEN 'refund_outside' THEN 'refund_from_escrow'
                     WHEN 'confiscate' THEN 'confiscation' WHEN 'restore' THEN 'confiscation_returned' WHEN 'chargeback_lost' THEN 'chargeback_lost'
                     ELSE 'refund_failed' END AS type,
           m.id AS milestone_id
      FROM line l
      JOIN milestone m ON m.id = CASE WHEN credit IN ('escrow', 'disputed') THEN credit_owner ELSE debit_owner END
      JOIN contract k ON k.id = m.contract_id
     WHERE (debit IN ('escrow', 'disputed')) <> (credit IN ('escrow', 'disputed'))
), every AS (
    SELECT 'freelancer' AS party, freelancer.* FROM freelancer UNION ALL SELECT 'client', client.* FROM client
)
SELECT party, party_id, number, entry_id, min(line_no) * 100 + row_number() OVER (PARTITION BY entry_id, party ORDER BY min(line_no), type) AS line_no, type,
       kind, cause_type, cause_id, cause_sequence, coalesce(contract_id, (SELECT m.contract_id FROM milestone m WHERE m.id = every.milestone_id)) AS contract_id, milestone_id, posted_on, effective_on,
       occurred_at, recorded_at, currency, sum(signed)::bigint AS amount_minor, description, position, cause
  FROM every
 GROUP BY party, party_id, number, entry_id, type, kind, cause_type, cause_id, cause_sequence, contract_id, milestone_id, posted_on, effective_on,
          occurred_at, recorded_at, currency, description, position, cause;

-- What our own records say each thing at the processor did to the platform's balance, and what the processor's rows say:
-- `equal`, `missing` (they have no row), `extra` (we know nothing of it), `changed` (another amount). Money put in or taken
-- out by the platform has no number of ours: it is paired by currency and amount.
CREATE VIEW psp_match AS
WITH ours AS (
    SELECT charge_id AS source, received_currency AS currency, received_minor - coalesce(stripe_fee_minor, 0) AS minor, succeeded_at AS since
      FROM payment WHERE charge_id IS NOT NULL AND succeeded_at IS NOT NULL
    UNION ALL SELECT stripe_refund_id, currency, CASE state WHEN 'failed' THEN 0 ELSE -amount_minor END, created_at FROM refund WHERE stripe_refund_id IS NOT NULL
    UNION ALL SELECT s.transfer_id, o.currency, -s.amount_minor, o.sent_at FROM payout_source s JOIN payout o ON o.id = s.payout_id WHERE s.transfer_id IS NOT NULL
    UNION ALL SELECT r.id, o.currency, s.amount_minor / jsonb_array_length(s.reversal_ids), o.sent_at FROM payout_source s JOIN payout o ON o.id = s.payout_id
                CROSS JOIN LATERAL jsonb_array_elements_text(s.reversal_ids) AS r (id)
    UNION ALL SELECT b.stripe_dispute_id, b.currency, coalesce(sum(g.amount_minor), 0)::bigint, min(b.opened_at)
                FROM chargeback b LEFT JOIN ledger_leg g ON g.account = 'psp_operating' AND g.kind IN ('chargeback_open', 'chargeback_fee', 'chargeback_won')
                 AND g.cause_id = b.id GROUP BY 1, 2
), floats AS (
    SELECT currency, amount_minor, occurred_at, typeid_text(cause_type, cause_id) AS cause, row_number() OVER (PARTITION BY currency, amount_minor ORDER BY number) AS nth
      FROM ledger_leg WHERE account = 'psp_operating' AND kind IN ('float_in', 'float_out')
), theirs AS (
    SELECT source, currency, sum(amount_minor - fee_minor)::bigint AS minor, min(created_at) AS since FROM psp_row WHERE type NOT IN ('topup', 'payout') GROUP BY 1, 2
), topups AS (
    SELECT id, currency, amount_minor, created_at, row_number() OVER (PARTITION BY currency, amount_minor ORDER BY created_at, id) AS nth FROM psp_row WHERE type IN ('topup', 'payout')
)
SELECT coalesce(o.source, t.source) AS source, coalesce(o.currency, t.currency) AS currency, coalesce(o.minor, 0) AS our_minor, coalesce(t.minor, 0) AS psp_minor,
       coalesce(t.since, o.since) AS since,
       CASE WHEN o.source IS NULL THEN 'extra' WHEN t.source IS NULL THEN CASE o.minor WHEN 0 THEN 'equal' ELSE 'missing' END
            WHEN o.minor <> t.minor THEN 'changed' ELSE 'equal' END AS result
  FROM ours o FULL JOIN theirs t ON t.source = o.source AND t.currency = o.currency
UNION ALL
SELECT coalesce(f.cause, t.id), coalesce(f.currency, t.currency), coalesce(f.amount_minor, 0), coalesce(t.amount_minor, 0), coalesce(t.created_at, f.occurred_at),
       CASE WHEN f.cause IS NULL THEN 'extra' WHEN t.id IS NULL THEN 'missing' ELSE 'equal' END
  FROM floats f FULL JOIN topups t ON t.currency = f.currency AND t.amount_minor = f.amount_minor AND t.nth = f.nth;

