-- What a posting is about and whose it is become columns; until 0.1.0 both were texts and joins.

DROP VIEW psp_match, party_line, ledger_leg;

-- A TypeID as people read it. IMMUTABLE: the generated column `cause` stands on it.
CREATE FUNCTION typeid_text(prefix text, id uuid) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    bits bit(130) := B'00' || ('x' || replace(id::text, '-', ''))::bit(128);
    written text := prefix || '_';
BEGIN
    FOR n IN 0 .. 25 LOOP
        written := written || substr('0123456789abcdefghjkmnpqrstvwxyz', substring(bits FROM 5 * n + 1 FOR 5)::int + 1, 1);
    END LOOP;
    RETURN written;
END $$;

-- (type, id, sequence) as 0.1 wrote it: the hash chain and the journal's files keep their bytes.
CREATE FUNCTION cause_text(type text, id uuid, sequence int) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT hf.typeid_text(type, id) || coalesce(CASE type WHEN 'cbk' THEN ':' ELSE '/' END || sequence, '')
$$;

ALTER TABLE journal_entry ADD COLUMN cause_type text, ADD COLUMN cause_id uuid, ADD COLUMN cause_sequence integer;
ALTER TABLE journal_entry DISABLE TRIGGER USER;
UPDATE journal_entry
   SET cause_type = left(cause, 3), cause_id = typeid_uuid(left(cause, 30)), cause_sequence = nullif(substr(cause, 32), '')::int;
DO $$
BEGIN
    IF EXISTS (SELECT 1 FROM hf.journal_entry WHERE cause IS DISTINCT FROM hf.cause_text(cause_type, cause_id, cause_sequence)) THEN
        RAISE EXCEPTION 'a cause in journal_entry is of no known form; nothing was changed';
    END IF;
END $$;
ALTER TABLE journal_entry ENABLE TRIGGER USER;
ALTER TABLE journal_entry ALTER COLUMN cause_type SET NOT NULL, ALTER COLUMN cause_id SET NOT NULL, DROP COLUMN cause;
-- As people read it: generated, so that it can be nothing else, and nothing has to read it back.
ALTER TABLE journal_entry ADD COLUMN cause text GENERATED ALWAYS AS (hf.cause_text(cause_type, cause_id, cause_sequence)) STORED;
ALTER TABLE journal_entry ADD CONSTRAINT journal_entry_kind_cause_key UNIQUE NULLS NOT DISTINCT (kind, cause_id, cause_sequence);
CREATE INDEX journal_entry_by_cause_idx ON journal_entry (cause_id);

ALTER TABLE invoice ADD COLUMN cause_type text, ADD COLUMN cause_id uuid, ADD COLUMN cause_sequence integer;
ALTER TABLE invoice DISABLE TRIGGER USER;
UPDATE invoice
   SET cause_type = left(cause, 3), cause_id = typeid_uuid(left(cause, 30)), cause_sequence = nullif(substr(cause, 32), '')::int;
ALTER TABLE invoice ENABLE TRIGGER USER;
ALTER TABLE invoice ALTER COLUMN cause_type SET NOT NULL, ALTER COLUMN cause_id SET NOT NULL, DROP COLUMN cause;
ALTER TABLE invoice ADD COLUMN cause text GENERATED ALWAYS AS (hf.cause_text(cause_type, cause_id, cause_sequence)) STORED;
ALTER TABLE invoice ADD CONSTRAINT once UNIQUE NULLS NOT DISTINCT (kind, cause_id, cause_sequence);

-- Which owners an account may have; empty for the platform's own.
ALTER TABLE chart_account ADD COLUMN owner_types text[] NOT NULL DEFAULT '{}';
UPDATE chart_account SET owner_types = CASE kind
    WHEN 'chargeback_receivable' THEN ARRAY['chargeback']
    WHEN 'escrow' THEN ARRAY['milestone']
    WHEN 'disputed' THEN ARRAY['milestone']
    WHEN 'refund_in_flight' THEN ARRAY['refund']
    WHEN 'payout_in_flight' THEN ARRAY['payout']
    WHEN 'pending' THEN ARRAY['freelancer']
    WHEN 'available' THEN ARRAY['freelancer']
    WHEN 'recoverable' THEN ARRAY['freelancer']
    WHEN 'reserve' THEN ARRAY['hold', 'chargeback']
    WHEN 'suspense' THEN ARRAY['payment']
    WHEN 'confiscated' THEN ARRAY['case']
    WHEN 'authority_payable' THEN ARRAY['case']
    WHEN 'tax_withheld' THEN ARRAY['tax_due']
    WHEN 'unclaimed' THEN ARRAY['client'] END
 WHERE bounded;

ALTER TABLE ledger_account ADD COLUMN owner_type text, ADD COLUMN freelancer_id uuid REFERENCES freelancer,
    ADD COLUMN client_id uuid REFERENCES client, ADD COLUMN contract_id uuid REFERENCES contract;
ALTER TABLE ledger_account DISABLE TRIGGER USER;
UPDATE ledger_account a SET owner_type = CASE
        WHEN a.kind <> 'reserve' THEN (SELECT owner_types[1] FROM chart_account c WHERE c.kind = a.kind)
        WHEN EXISTS (SELECT 1 FROM hold h WHERE h.id = a.owner) THEN 'hold' ELSE 'chargeback' END
 WHERE bounded;
UPDATE ledger_account a SET freelancer_id = d.freelancer_id, client_id = d.client_id, contract_id = d.contract_id
  FROM (
    SELECT 'milestone' AS owner_type, m.id AS owner, c.freelancer_id, c.client_id, c.id AS contract_id FROM milestone m JOIN contract c ON c.id = m.contract_id
    UNION ALL SELECT 'payment', p.id, c.freelancer_id, c.client_id, c.id FROM payment p JOIN contract c ON c.id = p.contract_id
    UNION ALL SELECT 'refund', r.id, c.freelancer_id, c.client_id, c.id FROM refund r JOIN payment p ON p.id = r.payment_id JOIN contract c ON c.id = p.contract_id
    UNION ALL SELECT 'chargeback', b.id, c.freelancer_id, c.client_id, c.id FROM chargeback b JOIN contract c ON c.id = b.contract_id
    UNION ALL SELECT 'payout', o.id, o.freelancer_id, NULL, NULL FROM payout o
    UNION ALL SELECT 'freelancer', f.id, f.id, NULL, NULL FROM freelancer f
    UNION ALL SELECT 'client', k.id, NULL, k.id, NULL FROM client k
    UNION ALL SELECT 'hold', h.id, h.freelancer_id, NULL, NULL FROM hold h
    UNION ALL SELECT 'case', s.id, s.freelancer_id, NULL, NULL FROM confiscation s
  ) d
 WHERE d.owner_type = a.owner_type AND d.owner = a.owner;
ALTER TABLE ledger_account ENABLE TRIGGER USER;
ALTER TABLE ledger_account ADD CONSTRAINT ledger_account_owned CHECK (bounded = (owner IS NOT NULL) AND (owner IS NULL) = (owner_type IS NULL));
CREATE INDEX ledger_account_by_freelancer_idx ON ledger_account (freelancer_id, kind);
CREATE INDEX ledger_account_by_contract_idx ON ledger_account (contract_id, kind);

-- What every process compares before it says that it is ready: see service/db/schema.py.
CREATE TABLE schema_release (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    works_from text NOT NULL,
    files jsonb NOT NULL,
    upgraded_at timestamptz NOT NULL
);
COMMENT ON TABLE schema_release IS 'the oldest revision whose code still works here, and the hash of every file that made this schema';
