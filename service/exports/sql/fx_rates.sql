SELECT id AS rate_id, base, quote, rate, rate_date, source, fetched_at, base AS currency FROM fx_rate
 WHERE rate_date BETWEEN %(first)s AND %(last)s AND fetched_at <= %(as_of)s ORDER BY rate_date, base, quote, source
