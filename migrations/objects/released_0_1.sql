-- For processes of 0.1 that still run while 0.2 takes over; goes with the contract revision of a later release.
-- They name causes as texts ('pyo_…/1') and say of an owner only its id.

-- The UUID inside an id as texts carry it ('ref_01h…'); NULL for any other text.
CREATE OR REPLACE FUNCTION typeid_uuid(id text) RETURNS uuid LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    WITH bits AS (
        SELECT substr(string_agg((strpos('0123456789abcdefghjkmnpqrstvwxyz', substr(id, n, 1)) - 1)::bit(5)::text, '' ORDER BY n), 3) AS b
          FROM generate_series(5, 30) AS n
         WHERE id ~ '^[a-z]{3}_[0-7][0-9a-hjkmnp-tv-z]{25}$'
    )
    SELECT string_agg(to_hex(substr(b, 4 * n + 1, 4)::bit(4)::int), '' ORDER BY n)::uuid FROM bits, generate_series(0, 31) AS n WHERE b IS NOT NULL
$$;

-- What 0.1 left to be guessed: an owner's type, where an account may have two.
CREATE OR REPLACE FUNCTION ledger_owner_types_0_1(kinds text[], owners uuid[]) RETURNS text[] LANGUAGE sql STABLE AS $$
    SELECT array_agg(CASE WHEN given.owner IS NULL THEN NULL
                          WHEN given.kind <> 'reserve' THEN (SELECT c.owner_types[1] FROM hf.chart_account c WHERE c.kind = given.kind)
                          WHEN EXISTS (SELECT 1 FROM hf.hold h WHERE h.id = given.owner) THEN 'hold' ELSE 'chargeback' END ORDER BY given.n)
      FROM unnest(kinds, owners) WITH ORDINALITY AS given (kind, owner, n)
$$;

CREATE OR REPLACE FUNCTION ledger_post(
    p_id uuid, p_kind text, p_cause text, p_contract uuid, p_actor text,
    p_occurred_at timestamptz, p_posted_on date, p_recorded_at timestamptz, p_effective_on date, p_description text,
    p_currency text, p_debit_kinds text[], p_debit_owners uuid[], p_credit_kinds text[], p_credit_owners uuid[], p_amounts bigint[]
) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = hf, pg_temp AS $$
BEGIN
    PERFORM ledger_post(p_id, p_kind, left(p_cause, 3), typeid_uuid(left(p_cause, 30)), nullif(substr(p_cause, 32), '')::int, p_contract, p_actor,
                        p_occurred_at, p_posted_on, p_recorded_at, p_effective_on, p_description, p_currency,
                        p_debit_kinds, ledger_owner_types_0_1(p_debit_kinds, p_debit_owners), p_debit_owners,
                        p_credit_kinds, ledger_owner_types_0_1(p_credit_kinds, p_credit_owners), p_credit_owners, p_amounts);
END $$;
