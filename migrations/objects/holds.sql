-- A hold is a gate on accounts: counts on each balance row, read by ledger_post under the lock it takes anyway.

-- Whose holds reach an account: its milestone, contract, payment and people.
CREATE OR REPLACE FUNCTION hold_subjects(p_kind text, p_owner uuid) RETURNS SETOF uuid LANGUAGE sql STABLE SET search_path = hf, pg_temp AS $$
    SELECT p_owner
    UNION ALL
    SELECT unnest(ARRAY[c.id, c.freelancer_id, c.client_id]) FROM milestone m JOIN contract c ON c.id = m.contract_id
     WHERE p_kind IN ('escrow', 'disputed') AND m.id = p_owner
    UNION ALL
    SELECT l.payment_id FROM payment_line l WHERE p_kind IN ('escrow', 'disputed') AND l.milestone_id = p_owner AND l.funded
    UNION ALL
    SELECT unnest(ARRAY[c.id, c.freelancer_id, c.client_id]) FROM payment p JOIN contract c ON c.id = p.contract_id
     WHERE p_kind = 'suspense' AND p.id = p_owner
$$;

-- How many holds in force close each gate of an account. Holds over an amount are postings, not gates.
CREATE OR REPLACE FUNCTION hold_gates(p_kind text, p_owner uuid, OUT release int, OUT refund int, OUT outflow int) LANGUAGE sql STABLE SET search_path = hf, pg_temp AS $$
    SELECT count(*) FILTER (WHERE h.scopes ? 'release')::int, count(*) FILTER (WHERE h.scopes ? 'refund')::int,
           count(*) FILTER (WHERE h.scopes ? 'outflow')::int
      FROM hold h
     WHERE h.subject_id IN (SELECT hold_subjects(p_kind, p_owner)) AND h.state IN ('active', 'in_review', 'converted') AND h.amount_minor IS NULL
$$;

-- The owners of every account that a subject's holds reach.
CREATE OR REPLACE FUNCTION hold_owners(p_subject uuid) RETURNS SETOF uuid LANGUAGE sql STABLE SET search_path = hf, pg_temp AS $$
    SELECT p_subject
    UNION SELECT m.id FROM milestone m JOIN contract c ON c.id = m.contract_id WHERE p_subject IN (c.id, c.freelancer_id, c.client_id)
    UNION SELECT p.id FROM payment p JOIN contract c ON c.id = p.contract_id WHERE p_subject IN (c.id, c.freelancer_id, c.client_id)
    UNION SELECT l.milestone_id FROM payment_line l WHERE l.payment_id = p_subject
$$;

-- Every account that a subject's holds reach, recounted. Exclusive against the opening of accounts: an account opened
-- before this is found here, one opened afterwards reads the holds that are there by then.
CREATE OR REPLACE FUNCTION hold_regate(p_subject uuid) RETURNS int LANGUAGE plpgsql SECURITY DEFINER SET search_path = hf, pg_temp AS $$
DECLARE
    found bigint[];
BEGIN
    PERFORM pg_advisory_xact_lock(7001);
    SELECT array_agg(a.id ORDER BY a.id) INTO found FROM ledger_account a JOIN ledger_balance b ON b.account_id = a.id
     WHERE a.owner IN (SELECT hold_owners(p_subject));
    IF found IS NULL THEN RETURN 0; END IF;
    PERFORM 1 FROM ledger_balance WHERE account_id = ANY (found) ORDER BY account_id FOR UPDATE;
    UPDATE ledger_balance b SET hold_release = g.release, hold_refund = g.refund, hold_outflow = g.outflow
      FROM (SELECT a.id, (hold_gates(a.kind, a.owner)).* FROM ledger_account a WHERE a.id = ANY (found)) g
     WHERE b.account_id = g.id AND (b.hold_release, b.hold_refund, b.hold_outflow) IS DISTINCT FROM (g.release, g.refund, g.outflow);
    RETURN cardinality(found);
END $$;

-- Two people, enforced here as well: who opened a hold cannot confirm it (a CHECK), and a hold never changes what it was.
CREATE OR REPLACE FUNCTION hold_fixed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'what a hold is about is fixed' USING ERRCODE = '23514', CONSTRAINT = 'hold_fixed';
END $$;
CREATE OR REPLACE TRIGGER hold_fixed BEFORE UPDATE OF subject_kind, subject_id, scopes, amount_minor, reason_code, clause, facts, opened_by, starts_at ON hold FOR EACH ROW
    WHEN ((OLD.subject_kind, OLD.subject_id, OLD.scopes, OLD.amount_minor, OLD.reason_code, OLD.clause, OLD.facts, OLD.opened_by, OLD.starts_at)
          IS DISTINCT FROM (NEW.subject_kind, NEW.subject_id, NEW.scopes, NEW.amount_minor, NEW.reason_code, NEW.clause, NEW.facts, NEW.opened_by, NEW.starts_at))
    EXECUTE FUNCTION hold_fixed();

-- A payout that a hold stopped gives up its plan; a leg that Stripe may have heard of stays.
CREATE OR REPLACE FUNCTION only_planned_go() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state <> 'planned' THEN
        RAISE EXCEPTION 'a leg that was sent stays' USING ERRCODE = '23514', CONSTRAINT = 'only_planned_go';
    END IF;
    RETURN OLD;
END $$;
CREATE OR REPLACE TRIGGER only_planned_go BEFORE DELETE ON payout_source FOR EACH ROW EXECUTE FUNCTION only_planned_go();

-- The gate of a case stays until the case has ended, and an appeal that was filed before it was carried out.
CREATE OR REPLACE FUNCTION hold_of_a_case() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM hf.confiscation c WHERE c.hold_id = NEW.id
                 AND (c.state IN ('noticed', 'answered', 'approved')
                      OR c.state = 'executed' AND EXISTS (SELECT 1 FROM hf.appeal a WHERE a.hold_id = NEW.id AND a.decided_at IS NULL))) THEN
        RAISE EXCEPTION 'a hold stays until its case and the appeal have ended' USING ERRCODE = '23514', CONSTRAINT = 'hold_of_a_case';
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER hold_of_a_case BEFORE UPDATE OF ended_at ON hold FOR EACH ROW
    WHEN (OLD.ended_at IS NULL AND NEW.ended_at IS NOT NULL) EXECUTE FUNCTION hold_of_a_case();
