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

-- A party's lines. Freelancer: what is pending and available, with gross and fee apart. Client: what is held for them until
-- it is theirs or the freelancer's: escrow, disputed, wrong or double money, refunds that have not arrived, and what could
-- not be given back. So a refund counts when it succeeds. `amount_minor` is signed from the party's view; moves between a
-- party's own accounts are no line, but for a lock, which is one of nothing: `locked_minor` says how much of what is held
-- was locked (+) or is free again (-).
CREATE VIEW party_line AS
WITH line AS (
    SELECT e.number, e.id AS entry_id, p.line_no, e.kind, e.cause_type, e.cause_id, e.cause_sequence, e.contract_id, e.posted_on, e.effective_on, e.occurred_at, e.recorded_at, e.description, e.position, e.cause,
           p.amount, p.currency, d.kind AS debit, d.owner AS debit_owner, d.client_id AS debit_client, d.contract_id AS debit_contract,
           c.kind AS credit, c.owner AS credit_owner, c.client_id AS credit_client, c.contract_id AS credit_contract
      FROM journal_entry e JOIN posting p ON p.entry_id = e.id
      JOIN ledger_account d ON d.id = p.debit_account JOIN ledger_account c ON c.id = p.credit_account
), freelancer AS (
    -- What changes the person's own accounts.
    SELECT l.*, CASE WHEN credit IN ('pending', 'available') THEN credit_owner ELSE debit_owner END AS party_id,
           CASE WHEN credit IN ('pending', 'available') THEN amount ELSE -amount END AS signed, 0::bigint AS locked,
           CASE WHEN kind IN ('release', 'refund_after_release', 'hold_reserve', 'hold_return', 'chargeback_lock', 'payout_held') THEN kind
                WHEN kind = 'payout_request' THEN 'payout' WHEN kind IN ('payout_returned', 'payout_bounced') THEN 'payout_failed'
                WHEN kind = 'confiscate' THEN 'confiscation' WHEN kind IN ('case_remainder', 'restore') THEN 'confiscation_returned'
                ELSE 'chargeback_return' END AS type,
           CASE WHEN debit = 'escrow' THEN debit_owner WHEN kind = 'refund_after_release' THEN (SELECT milestone_id FROM refund r WHERE r.id = l.cause_id) END AS milestone_id
      FROM line l WHERE (debit IN ('pending', 'available')) <> (credit IN ('pending', 'available'))
    UNION ALL
    -- A release is its gross; what the platform kept of it is a line of its own. The other way round when money is given back.
    SELECT l.*, k.freelancer_id, part * amount, 0,
           CASE WHEN part * (CASE l.kind WHEN 'release' THEN 1 ELSE -1 END) = 1 THEN l.kind
                ELSE CASE CASE l.kind WHEN 'release' THEN credit ELSE debit END WHEN 'platform_fees' THEN 'platform_fee' WHEN 'fee_tax_payable' THEN 'fee_tax'
                          WHEN 'processing_recovered' THEN 'processing_cost' WHEN 'tax_withheld' THEN 'tax_withheld'
                          ELSE CASE l.kind WHEN 'release' THEN 'recovery' ELSE 'debt' END END
                     || CASE WHEN l.kind = 'refund_after_release' AND debit <> 'recoverable' THEN '_refund' ELSE '' END END,
           CASE WHEN debit = 'escrow' THEN debit_owner ELSE (SELECT milestone_id FROM refund r WHERE r.id = l.cause_id) END
      FROM line l JOIN contract k ON k.id = l.contract_id CROSS JOIN (VALUES (1), (-1)) AS s (part)
     WHERE (l.kind = 'release' AND debit = 'escrow' AND credit <> 'pending')
        OR (l.kind = 'refund_after_release' AND credit = 'refund_in_flight' AND debit NOT IN ('pending', 'available'))
), held (account) AS (
    VALUES ('escrow'), ('disputed'), ('suspense'), ('refund_in_flight'), ('unclaimed')
), client AS (
    SELECT l.*, CASE WHEN i.account IS NULL THEN debit_client ELSE credit_client END AS party_id,
           CASE WHEN i.account IS NULL THEN -amount WHEN o.account IS NULL THEN amount ELSE 0 END AS signed,
           amount * ((credit = 'disputed')::int - (debit = 'disputed')::int) AS locked,
           CASE WHEN l.kind = 'fund' THEN 'funding' WHEN l.kind = 'suspend_receipt' THEN 'received_unmatched'
                WHEN l.kind = 'refund_after_release' THEN 'returned_by_freelancer'
                WHEN l.kind = 'refund_outside' THEN CASE debit WHEN 'suspense' THEN 'refund_of_unmatched' ELSE 'refund_from_escrow' END
                WHEN l.kind IN ('refund_succeeded', 'refund_bounced')
                THEN CASE f.source WHEN 'released' THEN 'refund_after_release' WHEN 'suspense' THEN 'refund_of_unmatched' WHEN 'case' THEN 'refund_after_case'
                                   ELSE 'refund_from_escrow' END || CASE l.kind WHEN 'refund_bounced' THEN '_failed' ELSE '' END
                WHEN l.kind = 'confiscate' THEN 'confiscation' WHEN l.kind IN ('case_refund', 'restore') THEN 'confiscation_returned'
                WHEN l.kind = 'chargeback_won' THEN 'chargeback_return'
                ELSE l.kind END AS type,
           coalesce(r.milestone_id, CASE WHEN credit IN ('escrow', 'disputed') THEN credit_owner WHEN debit IN ('escrow', 'disputed') THEN debit_owner END) AS milestone_id
      FROM line l LEFT JOIN held i ON i.account = credit LEFT JOIN held o ON o.account = debit
      LEFT JOIN refund r ON r.id = l.cause_id AND l.cause_type = 'ref'
      -- Of all attempts to give the same money back the first one knows where it was.
      LEFT JOIN refund f ON f.cause = r.cause AND f.attempt = 1
     WHERE (i.account IS NULL) <> (o.account IS NULL) OR (debit = 'disputed') <> (credit = 'disputed')
    UNION ALL
    -- What a client paid on top reaches the platform at once.
    SELECT l.*, k.client_id, part * amount, 0,
           CASE credit WHEN 'platform_fees' THEN 'client_fee' ELSE 'processing_cost' END || CASE part WHEN 1 THEN '_paid' ELSE '' END, NULL
      FROM line l JOIN contract k ON k.id = l.contract_id CROSS JOIN (VALUES (1), (-1)) AS s (part)
     WHERE l.kind = 'fund' AND debit = 'psp_operating'
), every AS (
    SELECT 'freelancer' AS party, freelancer.* FROM freelancer UNION ALL SELECT 'client', client.* FROM client
)
SELECT party, party_id, number, entry_id, min(line_no) * 100 + row_number() OVER (PARTITION BY entry_id, party ORDER BY min(line_no), type) AS line_no, type,
       kind, cause_type, cause_id, cause_sequence, coalesce(contract_id, CASE party WHEN 'client' THEN coalesce(debit_contract, credit_contract) END,
                                                            (SELECT m.contract_id FROM milestone m WHERE m.id = every.milestone_id)) AS contract_id, milestone_id, posted_on, effective_on,
       occurred_at, recorded_at, currency, sum(signed)::bigint AS amount_minor, description, position, cause, sum(locked)::bigint AS locked_minor
  FROM every
 GROUP BY party, party_id, number, entry_id, type, kind, cause_type, cause_id, cause_sequence, 11, milestone_id, posted_on, effective_on,
          occurred_at, recorded_at, currency, description, position, cause;

-- What our own records say each thing at the processor did to the platform's balance, and what the processor's rows say, as
-- both were known at an instant: `equal`, `missing` (they have no row), `extra` (we know nothing of it), `changed` (another
-- amount). What we say comes from the books' placed entries, where there is one. Money put in or taken out by the platform
-- has no number of ours: it is paired by currency and amount.
CREATE OR REPLACE FUNCTION psp_match_at(p_placed bigint, p_as_of timestamptz)
    RETURNS TABLE (source text, currency text, our_minor bigint, psp_minor bigint, since timestamptz, result text)
    LANGUAGE sql STABLE PARALLEL SAFE SET search_path = hf, pg_temp AS $$
WITH own AS (
    -- By entry, what it did to the platform's balance at the processor. A payment's fee is one with its charge.
    SELECT g.kind, g.cause_type, g.cause_id, g.currency, sum(g.amount_minor)::bigint AS minor, min(g.occurred_at) AS occurred_at, min(g.number) AS number
      FROM ledger_leg g
     WHERE g.account IN ('psp_trust', 'psp_operating') AND g.position <= p_placed
       AND g.kind IN ('fund', 'suspend_receipt', 'fund_processing_fee', 'refund_failed', 'refund_bounced', 'chargeback_open', 'chargeback_fee', 'chargeback_won', 'float_in', 'float_out', 'psp_difference')
     GROUP BY g.entry_id, g.kind, g.cause_type, g.cause_id, g.currency
), ours AS (
    SELECT p.charge_id AS source, o.currency, sum(o.minor)::bigint AS minor, min(p.succeeded_at) AS since
      FROM own o JOIN payment p ON p.id = o.cause_id WHERE o.kind IN ('fund', 'suspend_receipt', 'fund_processing_fee') AND p.charge_id IS NOT NULL GROUP BY 1, 2
    UNION ALL
    -- One that came back has done nothing in the end.
    SELECT r.stripe_refund_id, r.currency, CASE WHEN EXISTS (SELECT 1 FROM journal_entry e WHERE e.cause_id = r.id AND e.kind IN ('refund_failed', 'refund_bounced') AND e.position <= p_placed)
                                                THEN 0 ELSE -r.amount_minor END, r.created_at
      FROM refund r WHERE r.stripe_refund_id IS NOT NULL AND r.created_at <= p_as_of
    UNION ALL SELECT s.transfer_id, o.currency, -s.amount_minor, o.sent_at FROM payout_source s JOIN payout o ON o.id = s.payout_id WHERE s.transfer_id IS NOT NULL AND o.sent_at <= p_as_of
    UNION ALL SELECT v.id, o.currency, v.amount_minor, v.seen_at FROM transfer_reversal v JOIN payout o ON o.id = v.payout_id WHERE v.seen_at <= p_as_of
    UNION ALL SELECT b.stripe_dispute_id, b.currency, coalesce(sum(o.minor), 0)::bigint, min(b.opened_at)
                FROM chargeback b LEFT JOIN own o ON o.cause_id = b.id WHERE b.opened_at <= p_as_of GROUP BY 1, 2
), explained AS (
    -- What two people have taken on the platform belongs to the thing that it explains.
    SELECT x.source, o.currency, sum(o.minor)::bigint AS minor
      FROM own o JOIN psp_explanation x ON x.id = o.cause_id WHERE o.kind = 'psp_difference' GROUP BY 1, 2
), floats AS (
    SELECT currency, minor, occurred_at, typeid_text(cause_type, cause_id) AS cause, row_number() OVER (PARTITION BY currency, minor ORDER BY number) AS nth
      FROM own WHERE kind IN ('float_in', 'float_out')
), theirs AS (
    SELECT p.source, p.currency, sum(p.amount_minor - p.fee_minor)::bigint AS minor, min(p.created_at) AS since
      FROM psp_row p WHERE p.type NOT IN ('topup', 'payout') AND p.seen_at <= p_as_of GROUP BY 1, 2
), topups AS (
    SELECT p.id, p.currency, p.amount_minor AS minor, p.created_at, row_number() OVER (PARTITION BY p.currency, p.amount_minor ORDER BY p.created_at, p.id) AS nth
      FROM psp_row p WHERE p.type IN ('topup', 'payout') AND p.seen_at <= p_as_of
), beside AS (
    SELECT coalesce(o.source, t.source) AS source, coalesce(o.currency, t.currency) AS currency,
           coalesce(o.minor, 0) AS ours, coalesce(t.minor, 0) AS theirs, coalesce(t.since, o.since) AS since,
           CASE WHEN o.source IS NULL THEN 'extra' WHEN t.source IS NULL THEN 'missing' ELSE 'changed' END AS otherwise
      FROM ours o FULL JOIN theirs t ON t.source = o.source AND t.currency = o.currency
    UNION ALL
    SELECT coalesce(f.cause, t.id), coalesce(f.currency, t.currency), coalesce(f.minor, 0), coalesce(t.minor, 0),
           coalesce(t.created_at, f.occurred_at), CASE WHEN f.cause IS NULL THEN 'extra' ELSE 'missing' END
      FROM floats f FULL JOIN topups t ON t.currency = f.currency AND t.minor = f.minor AND t.nth = f.nth
)
SELECT b.source, b.currency, b.ours + coalesce(x.minor, 0), b.theirs, b.since,
       CASE b.theirs WHEN b.ours + coalesce(x.minor, 0) THEN 'equal' ELSE b.otherwise END
  FROM beside b LEFT JOIN explained x ON x.source = b.source AND x.currency = b.currency
$$;

-- As it is now.
CREATE VIEW psp_match AS SELECT * FROM psp_match_at((SELECT max(position) FROM journal_entry), 'infinity');
