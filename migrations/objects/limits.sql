-- How often somebody has called, over all processes: the window of now and the one before, which counts for as much as of it
-- lies within the last `p_seconds`. Real time and not the service's: a flood is of this minute, whatever the sandbox's clock says.
CREATE OR REPLACE FUNCTION rate_windows(p_caller text, p_seconds int,
                                        OUT previous bigint, OUT previous_left double precision,
                                        OUT present bigint, OUT present_left double precision)
    LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = hf, pg_temp AS $$
    WITH now AS (
        SELECT extract(epoch FROM clock_timestamp())::double precision AS second
    ), cut AS (
        SELECT to_timestamp(floor(second / p_seconds) * p_seconds) AS started_at,
               p_seconds - (second - floor(second / p_seconds) * p_seconds) AS remaining FROM now
    )
    SELECT coalesce((SELECT calls FROM rate_window r WHERE r.caller = p_caller
                        AND r.started_at = c.started_at - make_interval(secs => p_seconds)), 0), c.remaining,
           coalesce((SELECT calls FROM rate_window r WHERE r.caller = p_caller AND r.started_at = c.started_at), 0), c.remaining
      FROM cut c
$$;

-- Counts `p_calls` more, unless that would be more than `p_most` in `p_seconds`: then false, and nothing is counted.
CREATE OR REPLACE FUNCTION rate_take(p_caller text, p_most int, p_seconds int, p_calls int) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = hf, pg_temp AS $$
DECLARE w record; began timestamptz;
BEGIN
    SELECT * INTO w FROM rate_windows(p_caller, p_seconds);
    began := to_timestamp(floor(extract(epoch FROM clock_timestamp()) / p_seconds) * p_seconds);
    IF w.previous * w.previous_left / p_seconds + w.present + p_calls > p_most THEN
        RETURN false;
    END IF;
    IF random() < 0.01 THEN
        DELETE FROM rate_window WHERE started_at < clock_timestamp() - interval '1 hour' - make_interval(secs => 2 * p_seconds);
    END IF;
    -- Two at once: the second waits for the row and is judged by what the first has made of it.
    INSERT INTO rate_window AS r (caller, started_at, calls) VALUES (p_caller, began, p_calls)
        ON CONFLICT (caller, started_at) DO UPDATE SET calls = r.calls + p_calls
        WHERE w.previous * w.previous_left / p_seconds + r.calls + p_calls <= p_most;
    RETURN FOUND;
END $$;
