-- For measuring only: fills a database with submitted milestones, and does in one function what the service does per request.
CREATE SCHEMA IF NOT EXISTS bench;
CREATE TABLE bench.work (number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, contract uuid, milestone uuid, freelancer uuid, client uuid);
CREATE SEQUENCE bench.turn;

CREATE FUNCTION bench.fill(wanted int, promise jsonb) RETURNS void LANGUAGE plpgsql SET search_path = hf AS $$
DECLARE
    mary uuid := (SELECT id FROM freelancer WHERE external_ref = 'mary');
    the_client uuid := gen_random_uuid();
    alias uuid := gen_random_uuid();
BEGIN
    INSERT INTO client (id, email, created_at) VALUES (the_client, 'bench@babbage.example', now());
    INSERT INTO client_alias (id, freelancer_id, client_id) VALUES (alias, mary, the_client);
    INSERT INTO bench.work (contract, milestone, freelancer, client)
    SELECT gen_random_uuid(), gen_random_uuid(), mary, the_client FROM generate_series(1, wanted);
    INSERT INTO contract (offer_restarts, id, kind, state, version, freelancer_id, client_id, client_alias_id, client_name, title, description, currency,
                          review_period_days, processing_borne_by, metadata, policy_version, text_version, text_hash, quote, created_at, updated_at,
                          sent_at, accepted_at)
    SELECT 0, contract, 'direct', 'active', 5, mary, the_client, alias, 'Charles Babbage', 'Bench', '', 'USD', 14, 'platform', '{}', 'dc-1', 1, 'x',
           promise, now(), now(), now(), now() FROM bench.work;
    INSERT INTO milestone (refunding_minor, disputed_minor, fee_returned_minor, fee_tax_taken_minor, fee_tax_returned_minor, id, contract_id, number, state, title, amount_minor, funded_minor, released_minor, refunded_minor, refunded_after_release_minor,
                           confiscated_minor, charged_back_minor, fee_taken_minor, processing_taken_minor, processing_due_minor, round, extensions,
                           security_days, auto_release_at)
    SELECT 0, 0, 0, 0, 0, milestone, contract, 1, 'submitted', 'Work', 10000, 10000, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 5, now() + interval '14 days' FROM bench.work;
    PERFORM ledger_post(gen_random_uuid(), 'fund', 'pay', milestone, NULL, contract, 'bench', now(), current_date, now(), current_date, 'bench', 'USD',
                        ARRAY['psp_trust'], ARRAY[NULL]::text[], ARRAY[NULL]::uuid[], ARRAY['escrow'], ARRAY['milestone'], ARRAY[milestone], ARRAY[10000]::bigint[]) FROM bench.work;
END $$;

CREATE FUNCTION bench.session(cookie text, wanted int) RETURNS void LANGUAGE plpgsql SET search_path = hf AS $$
DECLARE
    made uuid := gen_random_uuid();
    who uuid := (SELECT client FROM bench.work LIMIT 1);
BEGIN
    INSERT INTO client_session (id, digest, client_id, user_agent, created_at, last_seen_at)
    VALUES (made, encode(sha256(cookie::bytea), 'hex'), who, 'bench', now(), now() + interval '1 hour');
    INSERT INTO client_link (id, contract_id, client_id, role, revision, created_at, expires_at)
    SELECT gen_random_uuid(), contract, who, 'payer', 1, now(), now() + interval '30 days' FROM bench.work WHERE number <= wanted;
    INSERT INTO session_grant (session_id, contract_id, link_id, role, verified_at)
    SELECT made, contract_id, id, 'payer', now() FROM client_link WHERE client_id = who;
    PERFORM setval('bench.turn', wanted);
END $$;

-- The same rows and locks as the page that approves: session, form key, contract, milestone, ledger, release, events, job.
CREATE FUNCTION bench.release() RETURNS void LANGUAGE plpgsql SET search_path = hf AS $$
DECLARE
    w bench.work;
    made uuid := gen_random_uuid();
    n bigint := nextval('bench.turn');
BEGIN
    SELECT * INTO STRICT w FROM bench.work WHERE number = n;
    PERFORM 1 FROM client_session s WHERE s.client_id = w.client;
    PERFORM 1 FROM contract WHERE id = w.contract FOR NO KEY UPDATE;
    PERFORM 1 FROM milestone WHERE contract_id = w.contract;
    INSERT INTO form_key (key, location, used_at) VALUES (made::text, 'bench', now());
    INSERT INTO release (fee_tax_minor, withheld_minor, recovered_minor, taken_minor, id, milestone_id, contract_id, freelancer_id, number, currency, gross_minor, fee_minor, processing_minor, net_minor, fee_schedule,
                         approved_by, released_at, matures_at)
    VALUES (0, 0, 0, 0, made, w.milestone, w.contract, w.freelancer, 1, 'USD', 10000, 500, 0, 9500, 'direct/2024-04-22', 'bench', now(), now() + interval '5 days');
    INSERT INTO event (id, type, public, object_id, contract_id, freelancer_id, data, actor, request_id, policy_version, occurred_at)
    SELECT gen_random_uuid(), kind, true, w.milestone::text, w.contract, w.freelancer, '{"amount": 10000}', 'bench', 'bench', 'dc-1', now()
      FROM unnest(ARRAY['milestone.approved', 'milestone.released', 'contract.completed']) AS kind;
    INSERT INTO job (kind, subject, args, due_at) VALUES ('mature', made::text, '{}', now() + interval '5 days'), ('invoice', made::text, '{}', now()) ON CONFLICT DO NOTHING;
    UPDATE milestone SET state = 'released', released_minor = 10000, fee_taken_minor = 500, auto_release_at = NULL WHERE id = w.milestone;
    UPDATE contract SET state = 'completed', version = version + 1, closed_at = now() WHERE id = w.contract;
    PERFORM ledger_post(made, 'release', 'rls', made, NULL, w.contract, 'bench', now(), current_date, now(), current_date, 'bench', 'USD',
                        ARRAY['escrow', 'escrow', 'psp_operating'], ARRAY['milestone', 'milestone', NULL], ARRAY[w.milestone, w.milestone, NULL],
                        ARRAY['pending', 'platform_fees', 'psp_trust'], ARRAY['freelancer', NULL, NULL], ARRAY[w.freelancer, NULL, NULL], ARRAY[9500, 500, 500]::bigint[]);
END $$;

CREATE FUNCTION bench.post() RETURNS void LANGUAGE plpgsql SET search_path = hf AS $$
DECLARE
    w bench.work;
    chosen bigint := (SELECT max(number) FROM bench.work) - (random() * 199)::int;
BEGIN
    SELECT * INTO STRICT w FROM bench.work WHERE number = chosen;
    PERFORM ledger_post(gen_random_uuid(), 'release', 'rls', gen_random_uuid(), NULL, w.contract, 'bench', now(), current_date, now(), current_date, 'bench', 'USD',
                        ARRAY['escrow'], ARRAY['milestone'], ARRAY[w.milestone], ARRAY['pending'], ARRAY['freelancer'], ARRAY[w.freelancer], ARRAY[1]::bigint[]);
END $$;

CREATE FUNCTION bench.create_contract() RETURNS void LANGUAGE plpgsql SET search_path = hf AS $$
DECLARE
    w bench.work;
    made uuid := gen_random_uuid();
BEGIN
    SELECT * INTO STRICT w FROM bench.work WHERE number = 1;
    PERFORM 1 FROM api_key LIMIT 1;
    PERFORM 1 FROM client WHERE id = w.client;
    INSERT INTO contract (offer_restarts, id, kind, state, version, freelancer_id, client_id, client_alias_id, client_name, title, description, currency,
                          review_period_days, processing_borne_by, metadata, policy_version, text_version, created_at, updated_at)
    SELECT 0, made, 'direct', 'draft', 1, w.freelancer, w.client, id, 'Charles Babbage', 'Bench', 'Text', 'USD', 14, 'platform', '{}', 'dc-1', 0, now(), now()
      FROM client_alias WHERE client_id = w.client LIMIT 1;
    INSERT INTO milestone (refunding_minor, disputed_minor, fee_returned_minor, fee_tax_taken_minor, fee_tax_returned_minor, id, contract_id, number, state, title, amount_minor, funded_minor, released_minor, refunded_minor, refunded_after_release_minor,
                           confiscated_minor, charged_back_minor, fee_taken_minor, processing_taken_minor, processing_due_minor, round, extensions, security_days)
    SELECT 0, 0, 0, 0, 0, gen_random_uuid(), made, n, 'planned', 'Part', 10000, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 FROM generate_series(1, 3) AS n;
    INSERT INTO event (id, type, public, object_id, contract_id, freelancer_id, data, actor, request_id, policy_version, occurred_at)
    VALUES (gen_random_uuid(), 'contract.created', true, made::text, made, w.freelancer, '{}', 'bench', 'bench', 'dc-1', now());
    INSERT INTO idempotency_record (scope, fingerprint, status, answer, created_at)
    VALUES (sha256(made::text::bytea), sha256('x'), 201, convert_to(repeat('x', 2400), 'UTF8'), now());
END $$;

GRANT USAGE ON SCHEMA bench TO holdfast_app;
GRANT SELECT ON bench.work TO holdfast_app;
GRANT USAGE ON SEQUENCE bench.turn TO holdfast_app;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA bench TO holdfast_app;
