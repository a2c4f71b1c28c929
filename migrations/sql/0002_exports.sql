-- What finance reads: the books leg by leg, and every party's lines as a person would write them down. Views only, so the
-- application still owns nothing and every figure comes from the postings themselves.

-- The UUID inside an id as texts carry it ('ref_01h…'); NULL for any other text.
CREATE FUNCTION typeid_uuid(id text) RETURNS uuid LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    WITH bits AS (
        SELECT substr(string_agg((strpos('0123456789abcdefghjkmnpqrstvwxyz', substr(id, n, 1)) - 1)::bit(5)::text, '' ORDER BY n), 3) AS b
          FROM generate_series(5, 30) AS n
         WHERE id ~ '^[a-z]{3}_[0-7][0-9a-hjkmnp-tv-z]{25}$'
    )
    SELECT string_agg(to_hex(substr(b, 4 * n + 1, 4)::bit(4)::int), '' ORDER BY n)::uuid FROM bits, generate_series(0, 31) AS n WHERE b IS NOT NULL
$$;

-- Each posting as two legs: its debit (+) and its credit (-). Per entry and currency they sum to zero.
CREATE VIEW ledger_leg AS
SELECT e.number, e.id AS entry_id, 2 * p.line_no - CASE side WHEN 1 THEN 1 ELSE 0 END AS line_no, e.kind, e.cause, e.contract_id, e.actor, e.posted_on,
       e.effective_on, e.occurred_at, e.recorded_at, e.description, a.id AS account_id, a.kind AS account, a.owner, p.currency, side * p.amount AS amount_minor
  FROM journal_entry e
  JOIN posting p ON p.entry_id = e.id
 CROSS JOIN (VALUES (1), (-1)) AS s (side)
  JOIN ledger_account a ON a.id = CASE side WHEN 1 THEN p.debit_account ELSE p.credit_account END;

-- A party's lines. Freelancer: what is pending and available, with gross and fee apart. Client: what is held for them
-- (escrow and disputed). `amount_minor` is signed from the party's view; moves between a party's own accounts are no line.
CREATE VIEW party_line AS
WITH line AS (
    SELECT e.number, e.id AS entry_id, p.line_no, e.kind, e.cause, e.contract_id, e.posted_on, e.effective_on, e.occurred_at, e.recorded_at, e.description,
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
                     ELSE CASE WHEN kind LIKE 'payout%' THEN 'payout_failed' ELSE 'unfreeze' END END AS type,
           CASE WHEN debit = 'escrow' THEN debit_owner WHEN kind = 'refund_after_release' THEN (SELECT milestone_id FROM refund r WHERE r.id = typeid_uuid(l.cause)) END AS milestone_id
      FROM line l WHERE (debit IN ('pending', 'available')) <> (credit IN ('pending', 'available'))
    UNION ALL
    -- A release is its gross; what the platform kept of it is a line of its own. The other way round when money is given back.
    SELECT l.*, k.freelancer_id, part * amount,
           CASE WHEN part * (CASE l.kind WHEN 'release' THEN 1 ELSE -1 END) = 1 THEN l.kind
                ELSE CASE CASE l.kind WHEN 'release' THEN credit ELSE debit END WHEN 'platform_fees' THEN 'platform_fee' WHEN 'fee_tax_payable' THEN 'fee_tax'
                          WHEN 'processing_recovered' THEN 'processing_cost' ELSE 'debt' END
                     || CASE WHEN l.kind = 'refund_after_release' AND debit <> 'recoverable' THEN '_refund' ELSE '' END END,
           CASE WHEN debit = 'escrow' THEN debit_owner ELSE (SELECT milestone_id FROM refund r WHERE r.id = typeid_uuid(l.cause)) END
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
       kind, cause, coalesce(contract_id, (SELECT m.contract_id FROM milestone m WHERE m.id = every.milestone_id)) AS contract_id, milestone_id, posted_on, effective_on,
       occurred_at, recorded_at, currency, sum(signed)::bigint AS amount_minor, description
  FROM every
 GROUP BY party, party_id, number, entry_id, type, kind, cause, contract_id, milestone_id, posted_on, effective_on, occurred_at, recorded_at, currency, description;
