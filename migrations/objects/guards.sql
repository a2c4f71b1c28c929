-- Refusals about months, invoices; the rate of a day.
-- No entry reaches a month that two people have closed.
CREATE OR REPLACE FUNCTION period_open() RETURNS trigger LANGUAGE plpgsql SET search_path = hf, pg_temp AS $$
BEGIN
    IF NEW.posted_on <= (SELECT max(last_day) FROM period_close WHERE closed_at IS NOT NULL) THEN
        RAISE EXCEPTION 'the books of % are closed; a late fact is posted today, with its day in effective_on', to_char(NEW.posted_on, 'YYYY-MM') USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER period_open BEFORE INSERT ON journal_entry FOR EACH ROW EXECUTE FUNCTION period_open();
-- A close is final: nothing about it changes any more.
CREATE OR REPLACE FUNCTION close_fixed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.closed_at IS NOT NULL THEN RAISE EXCEPTION 'a closed period is never changed' USING ERRCODE = 'check_violation'; END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER close_fixed BEFORE UPDATE ON period_close FOR EACH ROW EXECUTE FUNCTION close_fixed();

-- A series counts without a gap: the next invoice has the next place, and its number says so.
CREATE OR REPLACE FUNCTION invoice_next() RETURNS trigger LANGUAGE plpgsql SET search_path = hf, pg_temp AS $$
BEGIN
    IF NEW.place <> 1 + coalesce((SELECT max(place) FROM invoice WHERE series = NEW.series), 0) OR NEW.number <> NEW.series || '-' || lpad(NEW.place::text, 6, '0') THEN
        RAISE EXCEPTION 'the next invoice of % is another one than %', NEW.series, NEW.number USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE OR REPLACE TRIGGER invoice_next BEFORE INSERT ON invoice FOR EACH ROW EXECUTE FUNCTION invoice_next();

-- The rate of a day as it was known at an instant: the newest one of at most ten days before, direct, turned round, or by way
-- of a third currency that both have a rate with on the same day and from the same source (central banks quote against their own).
CREATE OR REPLACE FUNCTION fx_on(wanted_base text, wanted_quote text, day date, known timestamptz,
                      OUT rate numeric, OUT rate_date date, OUT source text, OUT rate_ids uuid[]) LANGUAGE sql STABLE AS $$
    WITH known_rate AS (
        SELECT f.id, f.base, f.quote, f.rate, f.rate_date, f.source FROM hf.fx_rate f WHERE f.rate_date BETWEEN day - 10 AND day AND f.fetched_at <= known
        UNION ALL
        SELECT f.id, f.quote, f.base, 1 / f.rate, f.rate_date, f.source FROM hf.fx_rate f WHERE f.rate_date BETWEEN day - 10 AND day AND f.fetched_at <= known
    )
    SELECT found.rate, found.rate_date, found.source, found.rate_ids FROM (
        SELECT r.rate, r.rate_date, r.source, ARRAY[r.id], 0 AS legs FROM known_rate r WHERE r.base = wanted_base AND r.quote = wanted_quote
        UNION ALL
        SELECT a.rate * b.rate, a.rate_date, a.source, ARRAY[a.id, b.id], 1
          FROM known_rate a JOIN known_rate b ON b.base = a.quote AND b.rate_date = a.rate_date AND b.source = a.source
         WHERE a.base = wanted_base AND b.quote = wanted_quote
    ) found (rate, rate_date, source, rate_ids, legs)
    ORDER BY found.rate_date DESC, found.legs, found.source LIMIT 1
$$;
