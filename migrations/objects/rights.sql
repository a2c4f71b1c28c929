-- The application role owns nothing and may do only what the code needs.
REVOKE ALL ON SCHEMA public FROM PUBLIC;
-- From nothing each time: a right that is no longer listed here is gone.
REVOKE ALL ON ALL TABLES IN SCHEMA hf FROM holdfast_app;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA hf FROM holdfast_app;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA hf FROM PUBLIC;
GRANT USAGE ON SCHEMA hf TO holdfast_app;
GRANT SELECT ON ALL TABLES IN SCHEMA hf TO holdfast_app;
GRANT INSERT, UPDATE ON
    freelancer, client, client_alias, api_key, contract, milestone, release, payment, payment_line, refund, stripe_event,
    payout_account, payout, payout_source, staff_task, job, message, client_link, client_session, session_grant, code_challenge,
    change_request, amendment, refund_request, dispute, dispute_offer, chargeback, chargeback_line, fraud_warning, float_movement, email_change,
    hold, requirement, suspension, appeal, confiscation, case_line, staff_session, staff_link, finance_export, period_close,
    certificate, tax_identity, accountant_link
    TO holdfast_app;
GRANT INSERT ON
    export_piece, psp_row, invoice, tax_scope, tax_due, withholding, tax_filing, fx_rate,
    accountant_visit, acceptance, submission, contract_text, evidence, file, file_chunk, feedback,
    pre_check, hold_effect, case_approval, event, ledger_seal, ledger_head, form_key,
    idempotency_record
    TO holdfast_app;
GRANT UPDATE (sealed, sealed_with) ON tax_filing TO holdfast_app;
GRANT UPDATE (remitted_at, reference, remitted_by) ON tax_due TO holdfast_app;
GRANT UPDATE (position) ON journal_entry TO holdfast_app;
GRANT UPDATE (position, sequence) ON event TO holdfast_app;
GRANT UPDATE (clock_offset, payouts_stopped, below_floor) ON installation TO holdfast_app;
GRANT DELETE ON contract, milestone, payout_source, job, form_key, idempotency_record TO holdfast_app;
GRANT EXECUTE ON FUNCTION
    ledger_post(uuid, text, text, uuid, int, uuid, text, timestamptz, date, timestamptz, date, text, text,
                text[], text[], uuid[], text[], text[], uuid[], bigint[]),
    -- Of 0.1, as long as its processes may run: released_0_1.sql.
    ledger_post(uuid, text, text, uuid, text, timestamptz, date, timestamptz, date, text, text, text[], uuid[], text[], uuid[], bigint[]),
    typeid_uuid(text)
    TO holdfast_app;
-- Statement triggers run as whoever writes; these refuse and compute nothing.
GRANT EXECUTE ON FUNCTION
    ledger_refuse(text, text), ledger_only_by_post(), ledger_sealed(), append_only(),
    append_only_but_position(), append_only_but_seal(), lifecycle_guard(), terms_fixed(),
    only_drafts_go(), hold_fixed(), only_planned_go(), case_two_people(), case_executed(),
    hold_regate(uuid), hold_gates(text, uuid), hold_subjects(text, uuid), hold_owners(uuid),
    typeid_text(text, uuid), cause_text(text, uuid, int), period_open(), close_fixed(),
    invoice_next(), fx_on(text, text, date, timestamptz)
    TO holdfast_app;
