-- Facts are added, never changed, whoever asks; rights refuse the application role, these triggers refuse the owner too.
CREATE OR REPLACE FUNCTION append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% on % is forbidden: its rows are facts', TG_OP, TG_TABLE_NAME USING ERRCODE = '42501';
END $$;

DO $$
DECLARE name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['posting', 'ledger_account', 'ledger_seal', 'ledger_head', 'ledger_check', 'acceptance', 'submission',
                                'contract_text', 'evidence', 'file', 'file_chunk', 'export_piece', 'psp_row', 'invoice', 'tax_scope', 'withholding', 'fx_rate', 'accountant_visit', 'outreach', 'feedback', 'pre_check', 'hold_effect', 'case_approval', 'receipt', 'given_paper', 'transfer_reversal'] LOOP
        EXECUTE format('CREATE OR REPLACE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON %I FOR EACH STATEMENT EXECUTE FUNCTION append_only()', name);
    END LOOP;
END $$;

-- Facts that get their place in line after commit: `position` (and an event's `sequence`) may be set once, nothing else, ever.
CREATE OR REPLACE FUNCTION append_only_but_position() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.position IS NOT NULL OR NEW.position IS NULL
       -- `cause` is generated from the rest, and only after this trigger has run.
       OR to_jsonb(OLD) - 'position' - 'sequence' - 'cause' <> to_jsonb(NEW) - 'position' - 'sequence' - 'cause' THEN
        RAISE EXCEPTION 'UPDATE on % is forbidden: its rows are facts', TG_TABLE_NAME USING ERRCODE = '42501';
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER append_only BEFORE DELETE OR TRUNCATE ON journal_entry FOR EACH STATEMENT EXECUTE FUNCTION append_only();
CREATE OR REPLACE TRIGGER append_only BEFORE DELETE OR TRUNCATE ON event FOR EACH STATEMENT EXECUTE FUNCTION append_only();
CREATE OR REPLACE TRIGGER append_only_update BEFORE UPDATE ON journal_entry FOR EACH ROW EXECUTE FUNCTION append_only_but_position();
CREATE OR REPLACE TRIGGER append_only_update BEFORE UPDATE ON event FOR EACH ROW EXECUTE FUNCTION append_only_but_position();

-- What was prepared for a tax office stays as it was; only the key that seals it may be another one.
CREATE OR REPLACE FUNCTION append_only_but_seal() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF to_jsonb(OLD) - 'sealed' - 'sealed_with' <> to_jsonb(NEW) - 'sealed' - 'sealed_with' THEN
        RAISE EXCEPTION 'UPDATE on % is forbidden: its rows are facts', TG_TABLE_NAME USING ERRCODE = '42501';
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER append_only BEFORE DELETE OR TRUNCATE ON tax_filing FOR EACH STATEMENT EXECUTE FUNCTION append_only();
CREATE OR REPLACE TRIGGER append_only_update BEFORE UPDATE ON tax_filing FOR EACH ROW EXECUTE FUNCTION append_only_but_seal();
