-- People of staff: whose a key is, who is the same person as whom, and who may make a key.

-- The person behind an actor as rows keep it. A key of staff is its person's; every key of the marketplace is the
-- marketplace; whatever names no key of ours is itself.
CREATE OR REPLACE FUNCTION person_of(actor text) RETURNS text LANGUAGE plpgsql STABLE SET search_path = hf, pg_temp AS $$
DECLARE
    found text;
BEGIN
    SELECT CASE WHEN k.staff_id IS NULL THEN 'platform' ELSE 'staff:' || typeid_text('stf', k.staff_id) END INTO found
      FROM api_key k
     WHERE k.role <> 'freelancer' AND actor IN ('staff:' || typeid_text('key', k.id), 'platform:' || typeid_text('key', k.id));
    RETURN coalesce(found, actor);
END $$;

-- Four eyes are two people, whichever keys they used. The first argument is the column of the second person; whoever
-- is in one of the others cannot be in it.
CREATE OR REPLACE FUNCTION another_person() RETURNS trigger LANGUAGE plpgsql SET search_path = hf, pg_temp AS $$
DECLARE
    said jsonb := to_jsonb(NEW);
    second text := person_of(said ->> TG_ARGV[0]);
BEGIN
    FOR n IN 1 .. TG_NARGS - 1 LOOP
        IF second = person_of(said ->> TG_ARGV[n]) THEN
            RAISE EXCEPTION '% of % is another person than %', TG_ARGV[0], TG_TABLE_NAME, TG_ARGV[n]
                USING ERRCODE = '23514', CONSTRAINT = 'another_person';
        END IF;
    END LOOP;
    RETURN NEW;
END $$;

CREATE OR REPLACE TRIGGER another_person BEFORE INSERT OR UPDATE ON hold FOR EACH ROW
    WHEN (NEW.confirmed_by IS NOT NULL) EXECUTE FUNCTION another_person('confirmed_by', 'opened_by');
CREATE OR REPLACE TRIGGER another_renews BEFORE INSERT OR UPDATE OF renewals, renewed_by ON hold FOR EACH ROW
    WHEN (NEW.renewals > 0) EXECUTE FUNCTION another_person('renewed_by', 'opened_by', 'confirmed_by');
CREATE OR REPLACE TRIGGER another_person BEFORE INSERT OR UPDATE ON float_movement FOR EACH ROW
    WHEN (NEW.approved_by IS NOT NULL) EXECUTE FUNCTION another_person('approved_by', 'asked_by');
CREATE OR REPLACE TRIGGER another_person BEFORE INSERT OR UPDATE ON period_close FOR EACH ROW
    WHEN (NEW.closed_by IS NOT NULL) EXECUTE FUNCTION another_person('closed_by', 'asked_by');
CREATE OR REPLACE TRIGGER another_person BEFORE INSERT OR UPDATE ON psp_explanation FOR EACH ROW
    WHEN (NEW.outcome = 'approved') EXECUTE FUNCTION another_person('decided_by', 'asked_by');
CREATE OR REPLACE TRIGGER another_person BEFORE INSERT OR UPDATE ON dispute FOR EACH ROW
    WHEN (NEW.decider IS NOT NULL) EXECUTE FUNCTION another_person('decider', 'mediator');
CREATE OR REPLACE TRIGGER another_person BEFORE INSERT OR UPDATE ON key_request FOR EACH ROW
    WHEN (NEW.approved_by IS NOT NULL) EXECUTE FUNCTION another_person('approved_by', 'asked_by');
CREATE OR REPLACE TRIGGER another_restores BEFORE UPDATE ON confiscation FOR EACH ROW
    WHEN (NEW.state = 'reversed') EXECUTE FUNCTION another_person('ended_by', 'executed_by');

-- Somebody who is needed is named.
CREATE OR REPLACE FUNCTION somebody() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'whoever does this is named' USING ERRCODE = '23514', CONSTRAINT = 'somebody';
END $$;
CREATE OR REPLACE TRIGGER somebody_renews BEFORE UPDATE OF renewals ON hold FOR EACH ROW
    WHEN (NEW.renewals > OLD.renewals AND NEW.renewed_by IS NULL) EXECUTE FUNCTION somebody();
CREATE OR REPLACE TRIGGER somebody_restores BEFORE UPDATE ON confiscation FOR EACH ROW
    WHEN (NEW.state = 'reversed' AND OLD.state <> 'reversed' AND NEW.ended_by IS NULL) EXECUTE FUNCTION somebody();
CREATE OR REPLACE TRIGGER somebody_decides BEFORE UPDATE ON appeal FOR EACH ROW
    WHEN (NEW.state LIKE 'decision_%' AND NEW.reviewed_by IS NULL) EXECUTE FUNCTION somebody();
CREATE OR REPLACE TRIGGER somebody_decides BEFORE UPDATE ON dispute FOR EACH ROW
    WHEN (NEW.state = 'decided' AND NEW.decider IS NULL) EXECUTE FUNCTION somebody();

-- Who did it does not become somebody else afterwards, and what one person asked for is what another one approves.
CREATE OR REPLACE FUNCTION said_once() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    before jsonb := to_jsonb(OLD);
    said jsonb := to_jsonb(NEW);
BEGIN
    FOR n IN 0 .. TG_NARGS - 1 LOOP
        IF before ->> TG_ARGV[n] IS NOT NULL AND before ->> TG_ARGV[n] IS DISTINCT FROM said ->> TG_ARGV[n] THEN
            RAISE EXCEPTION '% of % is said once', TG_ARGV[n], TG_TABLE_NAME USING ERRCODE = '42501';
        END IF;
    END LOOP;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER said_once BEFORE UPDATE ON hold FOR EACH ROW EXECUTE FUNCTION said_once('confirmed_by', 'ended_by');
CREATE OR REPLACE TRIGGER said_once BEFORE UPDATE ON dispute FOR EACH ROW EXECUTE FUNCTION said_once('mediator', 'decider');
CREATE OR REPLACE TRIGGER said_once BEFORE UPDATE ON confiscation FOR EACH ROW EXECUTE FUNCTION said_once('executed_by', 'ended_by');
CREATE OR REPLACE TRIGGER said_once BEFORE UPDATE ON float_movement FOR EACH ROW EXECUTE FUNCTION said_once('approved_by', 'approved_at');
CREATE OR REPLACE TRIGGER fixed_but BEFORE UPDATE ON float_movement FOR EACH ROW EXECUTE FUNCTION fixed_but('approved_by', 'approved_at');
CREATE OR REPLACE TRIGGER fixed_but BEFORE UPDATE ON period_close FOR EACH ROW
    EXECUTE FUNCTION fixed_but('closed_by', 'closed_at', 'checks', 'export_ids');

-- Whoever decided about a hold, or about its case, does not decide about the appeal.
CREATE OR REPLACE FUNCTION appeal_another_person() RETURNS trigger LANGUAGE plpgsql SET search_path = hf, pg_temp AS $$
BEGIN
    IF EXISTS (
        SELECT 1 FROM hold h
          LEFT JOIN confiscation c ON c.hold_id = h.id
          LEFT JOIN case_approval a ON a.case_id = c.id
          CROSS JOIN LATERAL (VALUES (h.opened_by), (h.confirmed_by), (c.opened_by), (c.executed_by), (a.approved_by)) AS decided (actor)
         WHERE h.id = NEW.hold_id AND person_of(decided.actor) = person_of(NEW.reviewed_by)
    ) THEN
        RAISE EXCEPTION 'whoever decided about the hold does not decide about the appeal'
            USING ERRCODE = '23514', CONSTRAINT = 'another_person';
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER another_person BEFORE INSERT OR UPDATE OF reviewed_by, hold_id, state ON appeal FOR EACH ROW
    WHEN (NEW.reviewed_by IS NOT NULL) EXECUTE FUNCTION appeal_another_person();

-- Two people who opened nothing, whatever the code believes, and two of them.
CREATE OR REPLACE FUNCTION case_two_people() RETURNS trigger LANGUAGE plpgsql SET search_path = hf, pg_temp AS $$
BEGIN
    IF person_of(NEW.approved_by) IN (
        SELECT person_of(decided.actor)
          FROM confiscation c JOIN hold h ON h.id = c.hold_id
          CROSS JOIN LATERAL (VALUES (c.opened_by), (h.opened_by)) AS decided (actor)
         WHERE c.id = NEW.case_id
        UNION ALL
        SELECT person_of(a.approved_by)
          FROM case_approval a JOIN confiscation c ON c.id = a.case_id AND a.answer_read_at IS NOT DISTINCT FROM c.answered_at
         WHERE a.case_id = NEW.case_id
    ) THEN
        RAISE EXCEPTION 'whoever opened the hold or the case, or has approved it, cannot approve it' USING ERRCODE = '23514', CONSTRAINT = 'case_two_people';
    END IF;
    -- An approval is of the answer as it is now; an addition makes it count no more.
    NEW.answer_read_at := (SELECT answered_at FROM confiscation WHERE id = NEW.case_id);
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER case_two_people BEFORE INSERT ON case_approval FOR EACH ROW EXECUTE FUNCTION case_two_people();

CREATE OR REPLACE FUNCTION case_executed() RETURNS trigger LANGUAGE plpgsql SET search_path = hf, pg_temp AS $$
BEGIN
    IF (SELECT count(DISTINCT person_of(a.approved_by)) FROM case_approval a
         WHERE a.case_id = NEW.id AND a.answer_read_at IS NOT DISTINCT FROM NEW.answered_at) < 2 THEN
        RAISE EXCEPTION 'a case needs two approvals' USING ERRCODE = '23514', CONSTRAINT = 'case_two_people';
    END IF;
    IF NEW.state = 'executed' AND OLD.state <> 'executed' AND (NEW.executed_at IS NULL OR NEW.executed_at < NEW.answer_until) THEN
        RAISE EXCEPTION 'nothing is taken before the time to answer is over' USING ERRCODE = '23514', CONSTRAINT = 'case_time_to_answer';
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER case_executed BEFORE UPDATE OF state ON confiscation FOR EACH ROW WHEN (NEW.state IN ('approved', 'executed')) EXECUTE FUNCTION case_executed();

-- What a key of a role may do at most; the same table as service/domain/identity/permissions.py.
CREATE OR REPLACE FUNCTION role_permissions(wanted text) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE wanted
        WHEN 'freelancer' THEN '["certificates:write", "contracts:read", "contracts:write", "disputes:write", "events:read",
                                 "exports:read", "exports:write", "links:write", "payments:read", "payouts:write", "webhooks:write"]'::jsonb
        WHEN 'platform' THEN '["certificates:write", "contracts:read", "contracts:write", "disputes:write", "events:read",
                               "keys:read", "keys:write", "links:write", "payments:read", "payouts:write", "sandbox", "suspensions:write",
                               "webhooks:write"]'::jsonb
        WHEN 'finance' THEN '["certificates:write", "contracts:read", "events:read", "exports:read", "exports:write", "finance:act",
                              "finance:read", "finance:tax", "payments:read", "tax:read"]'::jsonb
        WHEN 'safety' THEN '["contracts:read", "disputes:rule", "events:read", "payments:read", "safety:act", "safety:read",
                             "suspensions:write"]'::jsonb
        WHEN 'approver' THEN '["disputes:rule", "finance:approve", "finance:read", "safety:approve", "safety:read", "staff:approve",
                               "staff:read"]'::jsonb
        WHEN 'reviewer' THEN '["disputes:rule", "safety:approve", "safety:read"]'::jsonb
        WHEN 'admin' THEN '["contracts:read", "events:read", "finance:read", "keys:read", "keys:write", "payments:read", "safety:read", "sandbox",
                            "staff:approve", "staff:read", "staff:write"]'::jsonb
    END
$$;

-- A key has no more than its role, and one of staff or of the marketplace is made by whoever owns the table: by the
-- owner's command line, or by key_approve() for two people who showed their own keys.
CREATE OR REPLACE FUNCTION key_made() RETURNS trigger LANGUAGE plpgsql SET search_path = hf, pg_temp AS $$
BEGIN
    IF NOT NEW.scopes <@ role_permissions(NEW.role) THEN
        RAISE EXCEPTION 'a % key cannot have %', NEW.role, NEW.scopes USING ERRCODE = '23514', CONSTRAINT = 'key_within_role';
    END IF;
    IF NEW.role <> 'freelancer' AND NOT pg_has_role(current_user, (SELECT relowner FROM pg_class WHERE oid = TG_RELID), 'USAGE') THEN
        RAISE EXCEPTION 'a % key is made by the owner or by two people of staff', NEW.role USING ERRCODE = '42501', CONSTRAINT = 'key_made';
    END IF;
    IF NEW.staff_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM staff_member m WHERE m.id = NEW.staff_id AND m.ended_at IS NULL AND m.roles ? NEW.role) THEN
        RAISE EXCEPTION 'this person has no such role' USING ERRCODE = '23514', CONSTRAINT = 'key_within_person';
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER key_made BEFORE INSERT ON api_key FOR EACH ROW EXECUTE FUNCTION key_made();

-- A key stays what it was; it is used, and it ends once.
CREATE OR REPLACE TRIGGER fixed_but BEFORE UPDATE ON api_key FOR EACH ROW EXECUTE FUNCTION fixed_but('last_used_at', 'revoked_at');
CREATE OR REPLACE TRIGGER said_once BEFORE UPDATE ON api_key FOR EACH ROW EXECUTE FUNCTION said_once('revoked_at');
CREATE OR REPLACE TRIGGER stays BEFORE DELETE OR TRUNCATE ON api_key FOR EACH STATEMENT EXECUTE FUNCTION append_only();
CREATE OR REPLACE TRIGGER fixed_but BEFORE UPDATE ON staff_member FOR EACH ROW EXECUTE FUNCTION fixed_but('ended_at', 'roles', 'email');
CREATE OR REPLACE TRIGGER said_once BEFORE UPDATE ON staff_member FOR EACH ROW EXECUTE FUNCTION said_once('ended_at');
CREATE OR REPLACE TRIGGER stays BEFORE DELETE OR TRUNCATE ON staff_member FOR EACH STATEMENT EXECUTE FUNCTION append_only();
CREATE OR REPLACE TRIGGER fixed_but BEFORE UPDATE ON key_request FOR EACH ROW
    EXECUTE FUNCTION fixed_but('approved_by', 'approved_at', 'key_id', 'staff_id');
CREATE OR REPLACE TRIGGER said_once BEFORE UPDATE ON key_request FOR EACH ROW
    EXECUTE FUNCTION said_once('approved_by', 'approved_at', 'key_id', 'staff_id');
CREATE OR REPLACE TRIGGER stays BEFORE DELETE OR TRUNCATE ON key_request FOR EACH STATEMENT EXECUTE FUNCTION append_only();

-- The person whose secret this is, if a key of theirs lives and has the permission. The database keeps digests only: whoever
-- has its rows, or the application's role, cannot name a secret.
CREATE OR REPLACE FUNCTION person_with(secret text, permission text) RETURNS text LANGUAGE sql STABLE SET search_path = hf, pg_temp AS $$
    SELECT 'staff:' || typeid_text('stf', k.staff_id)
      FROM api_key k JOIN staff_member m ON m.id = k.staff_id CROSS JOIN installation i
     WHERE k.digest = encode(sha256(convert_to(secret, 'UTF8')), 'hex') AND k.revoked_at IS NULL AND m.ended_at IS NULL
       AND (k.expires_at IS NULL OR k.expires_at > clock_timestamp() + i.clock_offset)
       AND secret LIKE CASE i.mode WHEN 'live' THEN 'hf\_live\_%' ELSE 'hf\_test\_%' END
       AND k.scopes ? permission AND role_permissions(k.role) ? permission
$$;

CREATE OR REPLACE FUNCTION key_ask(p_id uuid, p_secret text, p_role text, p_staff uuid, p_name text, p_email text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = hf, pg_temp AS $$
DECLARE
    asker text := person_with(p_secret, 'staff:write');
BEGIN
    IF asker IS NULL THEN
        RAISE EXCEPTION 'this key asks for no keys' USING ERRCODE = '42501', CONSTRAINT = 'key_ask';
    END IF;
    INSERT INTO key_request (id, role, staff_id, name, email, asked_by, asked_at)
    SELECT p_id, p_role, p_staff, p_name, p_email, asker, clock_timestamp() + clock_offset FROM installation;
END $$;

-- The second person makes the key that the first one asked for; `p_person` becomes the id of a person who is new.
CREATE OR REPLACE FUNCTION key_approve(p_id uuid, p_secret text, p_key uuid, p_person uuid, p_digest text, p_hint text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = hf, pg_temp AS $$
DECLARE
    approver text := person_with(p_secret, 'staff:approve');
    asked key_request;
    at timestamptz := (SELECT clock_timestamp() + clock_offset FROM installation);
    whose uuid;
BEGIN
    SELECT * INTO asked FROM key_request WHERE id = p_id AND approved_at IS NULL FOR UPDATE;
    IF approver IS NULL OR asked.id IS NULL THEN
        RAISE EXCEPTION 'this key approves no such request' USING ERRCODE = '42501', CONSTRAINT = 'key_approve';
    END IF;
    IF asked.role <> 'platform' THEN
        whose := coalesce(asked.staff_id, p_person);
        IF asked.staff_id IS NULL THEN
            INSERT INTO staff_member (id, name, email, roles, created_by, created_at)
            VALUES (p_person, asked.name, asked.email, jsonb_build_array(asked.role), asked.asked_by, at);
        ELSE
            UPDATE staff_member SET roles = roles || to_jsonb(asked.role) WHERE id = whose AND NOT roles ? asked.role;
        END IF;
    END IF;
    INSERT INTO api_key (id, digest, hint, name, role, staff_id, scopes, created_at)
    VALUES (p_key, p_digest, p_hint, asked.name, asked.role, whose, role_permissions(asked.role), at);
    UPDATE key_request SET approved_by = approver, approved_at = at, key_id = p_key, staff_id = whose WHERE id = p_id;
END $$;
