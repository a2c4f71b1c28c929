-- What was given, sent, agreed, approved or signed stays as it was, whoever asks: rights refuse the application, these
-- triggers refuse the owner too. The arguments are the columns that may still change.
CREATE OR REPLACE FUNCTION fixed_but() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- Without arguments TG_ARGV is NULL: then nothing may change.
    IF to_jsonb(OLD) - coalesce(TG_ARGV, '{}') <> to_jsonb(NEW) - coalesce(TG_ARGV, '{}') THEN
        RAISE EXCEPTION 'what % says is fixed', TG_TABLE_NAME USING ERRCODE = '42501';
    END IF;
    RETURN NEW;
END $$;

CREATE OR REPLACE TRIGGER fixed_but BEFORE UPDATE ON certificate FOR EACH ROW
    EXECUTE FUNCTION fixed_but('superseded_by', 'revoked_at', 'revoked_reason');
CREATE OR REPLACE TRIGGER fixed_but BEFORE UPDATE ON finance_export FOR EACH ROW
    EXECUTE FUNCTION fixed_but('state', 'rows_done', 'problem', 'manifest', 'finished_at');
CREATE OR REPLACE TRIGGER fixed_but BEFORE UPDATE ON message FOR EACH ROW
    EXECUTE FUNCTION fixed_but('state', 'sent_at', 'bounced_at');
CREATE OR REPLACE TRIGGER fixed_but BEFORE UPDATE ON release FOR EACH ROW
    EXECUTE FUNCTION fixed_but('taken_minor', 'matured_at');
CREATE OR REPLACE TRIGGER fixed_but BEFORE UPDATE ON confiscation FOR EACH ROW
    EXECUTE FUNCTION fixed_but('state', 'noticed_at', 'answer_until', 'answer', 'answered_at', 'changed_at', 'executed_by', 'executed_at',
                               'final_at', 'ended_at', 'ended_by', 'end_reason');
CREATE OR REPLACE TRIGGER fixed_but BEFORE UPDATE ON case_line FOR EACH ROW
    EXECUTE FUNCTION fixed_but('refund_id', 'restored_minor', 'restored_parts', 'restore_note');
CREATE OR REPLACE TRIGGER fixed_but BEFORE UPDATE ON amendment FOR EACH ROW
    EXECUTE FUNCTION fixed_but('state', 'answered_at');
-- Lifted is the end of it; kept can still be lifted.
CREATE OR REPLACE TRIGGER fixed_but BEFORE UPDATE ON offer_pause FOR EACH ROW WHEN (OLD.outcome IS DISTINCT FROM 'lifted')
    EXECUTE FUNCTION fixed_but('outcome', 'words', 'decided_by', 'decided_at');
CREATE OR REPLACE TRIGGER decided BEFORE UPDATE ON offer_pause FOR EACH ROW WHEN (OLD.outcome = 'lifted')
    EXECUTE FUNCTION fixed_but();
CREATE OR REPLACE TRIGGER fixed_but BEFORE UPDATE ON psp_explanation FOR EACH ROW WHEN (OLD.outcome IS NULL)
    EXECUTE FUNCTION fixed_but('outcome', 'decided_by', 'decided_at');
CREATE OR REPLACE TRIGGER decided BEFORE UPDATE ON psp_explanation FOR EACH ROW WHEN (OLD.outcome IS NOT NULL)
    EXECUTE FUNCTION fixed_but();
-- Who paid is known from then on.
CREATE OR REPLACE TRIGGER payer_fixed BEFORE UPDATE OF payer ON payment FOR EACH ROW WHEN (OLD.succeeded_at IS NOT NULL)
    EXECUTE FUNCTION fixed_but();

DO $$
DECLARE name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['certificate', 'finance_export', 'message', 'release', 'confiscation', 'case_line', 'amendment', 'psp_explanation', 'offer_pause'] LOOP
        EXECUTE format('CREATE OR REPLACE TRIGGER stays BEFORE DELETE OR TRUNCATE ON hf.%I FOR EACH STATEMENT EXECUTE FUNCTION hf.append_only()', name);
    END LOOP;
END $$;

-- An export that was given, or refused, says so for ever: its manifest is what was signed.
CREATE OR REPLACE FUNCTION export_given() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'an export that is made is never changed' USING ERRCODE = '42501';
END $$;
CREATE OR REPLACE TRIGGER export_given BEFORE UPDATE ON finance_export FOR EACH ROW
    WHEN (OLD.state IN ('ready', 'failed')) EXECUTE FUNCTION export_given();

-- The lines of a case are those of its draft: what two people approve cannot grow afterwards.
CREATE OR REPLACE FUNCTION case_drafted() RETURNS trigger LANGUAGE plpgsql SET search_path = hf, pg_temp AS $$
BEGIN
    IF (SELECT state FROM confiscation WHERE id = NEW.case_id) <> 'drafted' THEN
        RAISE EXCEPTION 'the lines of a case are those of its draft' USING ERRCODE = '23514', CONSTRAINT = 'case_drafted';
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER case_drafted BEFORE INSERT ON case_line FOR EACH ROW EXECUTE FUNCTION case_drafted();

-- An answer grows until its time is over; nothing of it is taken away.
CREATE OR REPLACE FUNCTION answer_grows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT coalesce(starts_with(NEW.answer, OLD.answer) AND NEW.answered_at <= NEW.answer_until, false) THEN
        RAISE EXCEPTION 'an answer is added to, until its time is over' USING ERRCODE = '23514', CONSTRAINT = 'answer_grows';
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER answer_grows BEFORE UPDATE OF answer, answered_at ON confiscation FOR EACH ROW
    WHEN (OLD.answer IS NOT NULL AND (OLD.answer, OLD.answered_at) IS DISTINCT FROM (NEW.answer, NEW.answered_at))
    EXECUTE FUNCTION answer_grows();

-- What both agreed to reads as it did: other words come with another version of the text.
CREATE OR REPLACE TRIGGER agreed_words BEFORE UPDATE OF kind, title, description, review_period_days, processing_borne_by, text_hash
    ON contract FOR EACH ROW
    WHEN (OLD.accepted_at IS NOT NULL AND OLD.text_version = NEW.text_version
          AND (OLD.kind, OLD.title, OLD.description, OLD.review_period_days, OLD.processing_borne_by, OLD.text_hash)
              IS DISTINCT FROM (NEW.kind, NEW.title, NEW.description, NEW.review_period_days, NEW.processing_borne_by, NEW.text_hash))
    EXECUTE FUNCTION terms_fixed();

-- A signed head is of a day that has been, of the chain as it stands, and bears a signature.
CREATE OR REPLACE FUNCTION head_of_the_chain() RETURNS trigger LANGUAGE plpgsql SET search_path = hf, pg_temp AS $$
BEGIN
    IF NEW.day > (NEW.signed_at AT TIME ZONE 'UTC')::date OR octet_length(NEW.signature) <> 64 OR NEW.signature = decode(repeat('00', 64), 'hex')
       OR NOT EXISTS (SELECT 1 FROM ledger_seal s WHERE s.position = NEW.position AND s.hash = NEW.hash)
       OR NEW.signed_at > (SELECT clock_timestamp() + clock_offset + interval '1 minute' FROM installation) THEN
        RAISE EXCEPTION 'a head is of a day that has been and of the chain as it stands' USING ERRCODE = '23514', CONSTRAINT = 'head_of_the_chain';
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER head_of_the_chain BEFORE INSERT ON ledger_head FOR EACH ROW EXECUTE FUNCTION head_of_the_chain();

-- Work that is still to be done is not thrown away.
CREATE OR REPLACE FUNCTION only_done_go() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'only work that is done is thrown away' USING ERRCODE = '23514', CONSTRAINT = 'only_done_go';
END $$;
CREATE OR REPLACE TRIGGER only_done_go BEFORE DELETE ON job FOR EACH ROW WHEN (OLD.state <> 'done') EXECUTE FUNCTION only_done_go();
