-- The one function in the database that computes, and the only way into the ledger tables.

CREATE OR REPLACE FUNCTION ledger_refuse(what text, detail text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    -- Class 23: drivers and pools must not take a refusal for something to retry.
    RAISE EXCEPTION '%', detail USING ERRCODE = '23514', CONSTRAINT = what;
END $$;

-- Whose an owner is; refused when there is no such row. One place knows the way from each type of owner to its people.
CREATE OR REPLACE FUNCTION ledger_owner(p_type text, p_owner uuid, OUT freelancer_id uuid, OUT client_id uuid, OUT contract_id uuid)
LANGUAGE plpgsql STABLE SET search_path = hf, pg_temp AS $$
BEGIN
    CASE p_type
        WHEN 'milestone' THEN
            SELECT c.freelancer_id, c.client_id, c.id INTO freelancer_id, client_id, contract_id
              FROM milestone m JOIN contract c ON c.id = m.contract_id WHERE m.id = p_owner;
        WHEN 'payment' THEN
            SELECT c.freelancer_id, c.client_id, c.id INTO freelancer_id, client_id, contract_id
              FROM payment p JOIN contract c ON c.id = p.contract_id WHERE p.id = p_owner;
        WHEN 'refund' THEN
            SELECT c.freelancer_id, c.client_id, c.id INTO freelancer_id, client_id, contract_id
              FROM refund r JOIN payment p ON p.id = r.payment_id JOIN contract c ON c.id = p.contract_id WHERE r.id = p_owner;
        WHEN 'chargeback' THEN
            SELECT c.freelancer_id, c.client_id, c.id INTO freelancer_id, client_id, contract_id
              FROM chargeback b JOIN contract c ON c.id = b.contract_id WHERE b.id = p_owner;
        WHEN 'payout' THEN SELECT o.freelancer_id INTO freelancer_id FROM payout o WHERE o.id = p_owner;
        WHEN 'freelancer' THEN SELECT f.id INTO freelancer_id FROM freelancer f WHERE f.id = p_owner;
        WHEN 'client' THEN SELECT k.id INTO client_id FROM client k WHERE k.id = p_owner;
        WHEN 'hold' THEN SELECT h.freelancer_id INTO freelancer_id FROM hold h WHERE h.id = p_owner;
        WHEN 'case' THEN SELECT s.freelancer_id INTO freelancer_id FROM confiscation s WHERE s.id = p_owner;
        WHEN 'tax_due' THEN PERFORM 1 FROM tax_due t WHERE t.id = p_owner;
        ELSE PERFORM ledger_refuse('ledger_owner', format('accounts have no owner of type %s', p_type));
    END CASE;
    IF NOT FOUND THEN
        PERFORM ledger_refuse('ledger_owner', format('there is no %s %s', p_type, p_owner));
    END IF;
END $$;

-- The account of a kind, owner and currency; opened, with its balance row when bounded, on first use.
CREATE OR REPLACE FUNCTION ledger_account_for(p_kind text, p_owner_type text, p_owner uuid, p_currency text, p_at timestamptz) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    found_id bigint;
    known chart_account;
    whose record;
BEGIN
    SELECT id INTO found_id FROM ledger_account
     WHERE kind = p_kind AND owner IS NOT DISTINCT FROM p_owner AND currency = p_currency;
    IF FOUND THEN RETURN found_id; END IF;
    SELECT * INTO known FROM chart_account WHERE kind = p_kind;
    IF NOT FOUND OR known.bounded <> (p_owner IS NOT NULL) OR known.bounded AND NOT p_owner_type = ANY (known.owner_types) THEN
        PERFORM ledger_refuse('ledger_chart', format('no account of kind %s with this owner', p_kind));
    END IF;
    IF known.bounded THEN
        SELECT * INTO whose FROM ledger_owner(p_owner_type, p_owner);
        -- A hold that is being placed either sees this account or is seen by it.
        PERFORM pg_advisory_xact_lock_shared(7001);
    ELSE
        SELECT NULL::uuid AS freelancer_id, NULL::uuid AS client_id, NULL::uuid AS contract_id INTO whose;
    END IF;
    INSERT INTO ledger_account (kind, owner_type, owner, freelancer_id, client_id, contract_id, currency, normal_side, bounded, opened_at)
    VALUES (p_kind, CASE WHEN known.bounded THEN p_owner_type END, p_owner, whose.freelancer_id, whose.client_id, whose.contract_id,
            p_currency, known.normal_side, known.bounded, p_at)
    ON CONFLICT DO NOTHING RETURNING id INTO found_id;
    IF found_id IS NULL THEN
        -- Another transaction opened it meanwhile and has committed: the conflict waited for it.
        SELECT id INTO STRICT found_id FROM ledger_account
         WHERE kind = p_kind AND owner IS NOT DISTINCT FROM p_owner AND currency = p_currency;
        RETURN found_id;
    END IF;
    IF known.bounded THEN
        INSERT INTO ledger_balance (account_id, normal_side, hold_release, hold_refund, hold_outflow)
        SELECT found_id, known.normal_side, release, refund, outflow FROM hold_gates(p_kind, p_owner);
    END IF;
    RETURN found_id;
END $$;

-- The day on which an entry stands: its own, or the first open one when its month is closed. The month stays locked, shared,
-- until the transaction ends, so a close (exclusive) comes wholly before or wholly after it.
CREATE OR REPLACE FUNCTION ledger_open_day(p_day date) RETURNS date LANGUAGE plpgsql SET search_path = hf, pg_temp AS $$
DECLARE
    closed date;
BEGIN
    FOR turn IN 1 .. 12 LOOP
        PERFORM pg_advisory_xact_lock_shared(7002, (extract(year FROM p_day) * 100 + extract(month FROM p_day))::int);
        SELECT max(last_day) INTO closed FROM period_close WHERE closed_at IS NOT NULL;
        IF closed IS NULL OR p_day > closed THEN RETURN p_day; END IF;
        p_day := closed + 1;
    END LOOP;
    PERFORM ledger_refuse('ledger_period', 'months are being closed faster than this can be posted');
END $$;

CREATE OR REPLACE FUNCTION ledger_post(
    p_id uuid, p_kind text, p_cause_type text, p_cause uuid, p_cause_sequence int, p_contract uuid, p_actor text,
    p_occurred_at timestamptz, p_posted_on date, p_recorded_at timestamptz, p_effective_on date, p_description text, p_currency text,
    p_debit_kinds text[], p_debit_owner_types text[], p_debit_owners uuid[],
    p_credit_kinds text[], p_credit_owner_types text[], p_credit_owners uuid[], p_amounts bigint[]
) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = hf, pg_temp AS $$
DECLARE
    lines int := cardinality(p_amounts);
    open_day date;
    debited bigint[] := '{}';
    credited bigint[] := '{}';
    must_pass text;
    trust_change bigint := 0;
    line_gate text;
    line_trust int;
BEGIN
    IF lines IS NULL OR lines = 0 OR lines > 200 OR cardinality(p_debit_kinds) <> lines OR cardinality(p_debit_owners) <> lines
       OR cardinality(p_credit_kinds) <> lines OR cardinality(p_credit_owners) <> lines
       OR cardinality(p_debit_owner_types) <> lines OR cardinality(p_credit_owner_types) <> lines THEN
        PERFORM ledger_refuse('ledger_lines', 'an entry has 1 to 200 whole lines');
    END IF;
    PERFORM set_config('hf.posting', pg_current_xact_id()::text, true);

    FOR i IN 1 .. lines LOOP
        SELECT l.gate, (d.trust_side <> 0)::int - (c.trust_side <> 0)::int INTO line_gate, line_trust
          FROM chart_line l JOIN chart_account d ON d.kind = l.debit_kind JOIN chart_account c ON c.kind = l.credit_kind
         WHERE l.entry_kind = p_kind AND l.debit_kind = p_debit_kinds[i] AND l.credit_kind = p_credit_kinds[i];
        IF NOT FOUND THEN
            PERFORM ledger_refuse('ledger_chart', format('%s may not post %s to %s', p_kind, p_debit_kinds[i], p_credit_kinds[i]));
        END IF;
        must_pass := line_gate;
        trust_change := trust_change + line_trust * p_amounts[i];
        debited := debited || ledger_account_for(p_debit_kinds[i], p_debit_owner_types[i], p_debit_owners[i], p_currency, p_recorded_at);
        credited := credited || ledger_account_for(p_credit_kinds[i], p_credit_owner_types[i], p_credit_owners[i], p_currency, p_recorded_at);
    END LOOP;
    -- Each entry keeps psp_trust equal to what it belongs to, so every commit does.
    IF trust_change <> 0 THEN
        PERFORM ledger_refuse('ledger_trust_identity', format('%s would change trust by %s against its owners', p_kind, trust_change));
    END IF;

    -- One global order, so that two entries over the same accounts never wait for each other in a circle.
    PERFORM 1 FROM ledger_balance WHERE account_id = ANY (debited || credited) ORDER BY account_id FOR UPDATE;
    -- Read under the lock: a hold that was placed a moment ago is seen, one that comes a moment later waits for this commit.
    IF must_pass <> 'none' AND EXISTS (
        SELECT 1 FROM ledger_balance WHERE account_id = ANY (debited)
           AND CASE must_pass WHEN 'release' THEN hold_release WHEN 'refund' THEN hold_refund ELSE hold_outflow END > 0
    ) THEN
        PERFORM ledger_refuse('ledger_account_held', format('%s is stopped by a hold', p_kind));
    END IF;

    open_day := ledger_open_day(p_posted_on);
    INSERT INTO journal_entry (id, kind, cause_type, cause_id, cause_sequence, contract_id, actor,
                               occurred_at, posted_on, recorded_at, effective_on, description, xid)
    VALUES (p_id, p_kind, p_cause_type, p_cause, p_cause_sequence, p_contract, p_actor,
            p_occurred_at, open_day, p_recorded_at, least(p_effective_on, p_posted_on), p_description, pg_current_xact_id()::text::bigint);
    INSERT INTO posting (entry_id, line_no, debit_account, credit_account, amount, currency)
    SELECT p_id, n, debited[n], credited[n], p_amounts[n], p_currency FROM generate_series(1, lines) AS n;
    UPDATE ledger_balance b SET debits = b.debits + moved.debit, credits = b.credits + moved.credit
      FROM (SELECT account, sum(debit)::bigint AS debit, sum(credit)::bigint AS credit
              FROM (SELECT debited[n] AS account, p_amounts[n] AS debit, 0::bigint AS credit FROM generate_series(1, lines) AS n
                    UNION ALL SELECT credited[n], 0, p_amounts[n] FROM generate_series(1, lines) AS n) AS sides
             GROUP BY account) AS moved
     WHERE b.account_id = moved.account;
    PERFORM set_config('hf.posting', '', true);
END $$;

-- Rows reach the ledger through ledger_post or not at all, whoever asks.
CREATE OR REPLACE FUNCTION ledger_only_by_post() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF current_setting('hf.posting', true) IS DISTINCT FROM pg_current_xact_id()::text THEN
        PERFORM hf.ledger_refuse('ledger_only_by_post', format('%s on %s outside ledger_post', TG_OP, TG_TABLE_NAME));
    END IF;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER only_by_post BEFORE INSERT ON journal_entry FOR EACH STATEMENT EXECUTE FUNCTION ledger_only_by_post();
CREATE OR REPLACE TRIGGER only_by_post BEFORE INSERT ON posting FOR EACH STATEMENT EXECUTE FUNCTION ledger_only_by_post();
CREATE OR REPLACE TRIGGER only_by_post BEFORE INSERT ON ledger_account FOR EACH STATEMENT EXECUTE FUNCTION ledger_only_by_post();
CREATE OR REPLACE TRIGGER only_by_post BEFORE INSERT OR DELETE OR TRUNCATE ON ledger_balance FOR EACH STATEMENT EXECUTE FUNCTION ledger_only_by_post();
CREATE OR REPLACE TRIGGER only_by_post_update BEFORE UPDATE OF account_id, normal_side, debits, credits ON ledger_balance
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_only_by_post();

-- A committed entry is sealed: no line is added to it later.
CREATE OR REPLACE FUNCTION ledger_sealed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM added a JOIN hf.journal_entry e ON e.id = a.entry_id WHERE e.xid <> pg_current_xact_id()::text::bigint) THEN
        PERFORM hf.ledger_refuse('ledger_sealed', 'the entry is committed');
    END IF;
    RETURN NULL;
END $$;
CREATE OR REPLACE TRIGGER sealed AFTER INSERT ON posting REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION ledger_sealed();
