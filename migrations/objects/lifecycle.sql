-- States change by the table of hops and in no other way; terms are fixed once money is in.
CREATE OR REPLACE FUNCTION lifecycle_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM hf.lifecycle_hop WHERE machine = TG_TABLE_NAME AND source = OLD.state AND target = NEW.state) THEN
        RAISE EXCEPTION 'a % may not go from % to %', TG_TABLE_NAME, OLD.state, NEW.state
            USING ERRCODE = '23514', CONSTRAINT = 'lifecycle_hop';
    END IF;
    RETURN NULL;
END $$;

DO $$
DECLARE name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['contract', 'milestone', 'payment', 'refund', 'payout', 'payout_account',
                                'amendment', 'refund_request', 'dispute', 'chargeback', 'hold', 'appeal', 'confiscation'] LOOP
        EXECUTE format('CREATE OR REPLACE TRIGGER lifecycle_guard AFTER UPDATE OF state ON %I FOR EACH ROW WHEN (OLD.state IS DISTINCT FROM NEW.state)'
                       ' EXECUTE FUNCTION lifecycle_guard()', name);
    END LOOP;
END $$;

CREATE OR REPLACE FUNCTION terms_fixed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the terms of % are fixed', TG_TABLE_NAME USING ERRCODE = '23514', CONSTRAINT = 'terms_fixed';
END $$;
-- A funded amount changes only together with what is funded: when the rest of a milestone is rolled on into one of its own.
CREATE OR REPLACE TRIGGER terms_fixed BEFORE UPDATE OF amount_minor, contract_id ON milestone FOR EACH ROW
    WHEN ((OLD.funded_minor > 0 AND OLD.amount_minor - NEW.amount_minor <> OLD.funded_minor - NEW.funded_minor) OR OLD.contract_id <> NEW.contract_id)
    EXECUTE FUNCTION terms_fixed();
CREATE OR REPLACE TRIGGER terms_fixed BEFORE UPDATE OF currency, freelancer_id, quote ON contract FOR EACH ROW
    WHEN (OLD.currency <> NEW.currency OR OLD.freelancer_id <> NEW.freelancer_id
          OR (OLD.accepted_at IS NOT NULL AND (OLD.quote ->> 'schedule' IS DISTINCT FROM NEW.quote ->> 'schedule'
                                               OR OLD.quote ->> 'normal_schedule' IS DISTINCT FROM NEW.quote ->> 'normal_schedule'
                                               OR OLD.quote -> 'terms' IS DISTINCT FROM NEW.quote -> 'terms')))
    EXECUTE FUNCTION terms_fixed();

-- What nobody but its writer has seen may be thrown away; whatever was sent to somebody stays.
CREATE OR REPLACE FUNCTION only_drafts_go() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state <> 'draft' THEN
        RAISE EXCEPTION 'only drafts may be deleted' USING ERRCODE = '23514', CONSTRAINT = 'only_drafts_go';
    END IF;
    RETURN OLD;
END $$;
CREATE OR REPLACE TRIGGER only_drafts_go BEFORE DELETE ON contract FOR EACH ROW EXECUTE FUNCTION only_drafts_go();
