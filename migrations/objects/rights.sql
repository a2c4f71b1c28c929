-- The application role owns nothing and may do only what the code needs.
REVOKE ALL ON SCHEMA public FROM PUBLIC;
-- From nothing each time: a right that is no longer listed here is gone.
REVOKE ALL ON ALL TABLES IN SCHEMA hf FROM holdfast_app;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA hf FROM holdfast_app;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA hf FROM PUBLIC;
GRANT USAGE ON SCHEMA hf TO holdfast_app;
GRANT SELECT ON ALL TABLES IN SCHEMA hf TO holdfast_app;
GRANT INSERT, UPDATE ON
    freelancer, client, client_alias, contract, milestone, payment, payment_line, refund, stripe_event,
    payout_account, payout, payout_source, staff_task, job, client_link, client_session, session_grant, code_challenge,
    change_request, refund_request, dispute, dispute_offer, chargeback, chargeback_line, fraud_warning, float_movement, email_change,
    hold, requirement, suspension, appeal, staff_session, period_close, tax_identity, accountant_link
    TO holdfast_app;
GRANT INSERT ON
    transfer_reversal, receipt, given_paper, certificate, finance_export, message, release, confiscation, case_line, amendment,
    export_piece, psp_row, psp_explanation, invoice, tax_scope, tax_due, withholding, tax_filing, fx_rate,
    accountant_visit, outreach, offer_pause, acceptance, submission, contract_text, evidence, file, file_chunk, feedback,
    pre_check, hold_effect, case_approval, event, ledger_seal, ledger_head, ledger_check, form_key,
    idempotency_record
    TO holdfast_app;
-- A key of a freelancer: people.sql refuses any other. People and requests are made by its functions only.
GRANT INSERT ON api_key TO holdfast_app;
GRANT UPDATE (last_used_at, revoked_at) ON api_key TO holdfast_app;
GRANT UPDATE (ended_at) ON staff_member TO holdfast_app;
-- A link into the console is made by the owner's command line, and used up here.
GRANT UPDATE (used_at) ON staff_link TO holdfast_app;
-- The columns that given.sql leaves open.
GRANT UPDATE (superseded_by, revoked_at, revoked_reason) ON certificate TO holdfast_app;
GRANT UPDATE (state, rows_done, problem, manifest, finished_at) ON finance_export TO holdfast_app;
GRANT UPDATE (state, sent_at, bounced_at) ON message TO holdfast_app;
GRANT UPDATE (taken_minor, matured_at) ON release TO holdfast_app;
GRANT UPDATE (state, noticed_at, answer_until, answer, answered_at, changed_at, executed_by, executed_at, final_at, ended_at, ended_by, end_reason)
    ON confiscation TO holdfast_app;
GRANT UPDATE (refund_id, restored_minor, restored_parts, restore_note) ON case_line TO holdfast_app;
GRANT UPDATE (state, answered_at) ON amendment TO holdfast_app;
GRANT UPDATE (sealed, sealed_with) ON tax_filing TO holdfast_app;
GRANT UPDATE (outcome, decided_by, decided_at) ON psp_explanation TO holdfast_app;
GRANT UPDATE (outcome, words, decided_by, decided_at) ON offer_pause TO holdfast_app;
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
    typeid_uuid(text),
    rate_take(text, int, int, int), rate_windows(text, int),
    key_ask(uuid, text, text, uuid, text, text),
    key_approve(uuid, text, uuid, uuid, text, text)
    TO holdfast_app;
-- Statement triggers run as whoever writes; these refuse and compute nothing.
GRANT EXECUTE ON FUNCTION
    ledger_refuse(text, text), ledger_only_by_post(), ledger_sealed(), append_only(),
    append_only_but_position(), append_only_but_seal(), lifecycle_guard(), terms_fixed(),
    only_drafts_go(), hold_fixed(), only_planned_go(), case_two_people(), case_executed(), answer_grows(), hold_of_a_case(),
    hold_regate(uuid), hold_gates(text, uuid), hold_subjects(text, uuid), hold_owners(uuid),
    typeid_text(text, uuid), cause_text(text, uuid, int), period_open(), close_fixed(),
    person_of(text), another_person(), somebody(), said_once(), appeal_another_person(), key_made(), role_permissions(text),
    fixed_but(), export_given(), case_drafted(), head_of_the_chain(), only_done_go(),
    invoice_next(), fx_on(text, text, date, timestamptz), psp_match_at(bigint, timestamptz)
    TO holdfast_app;
