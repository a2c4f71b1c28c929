-- Digit by digit, since a rate is a fact and not a result: whole units and what is behind the point by themselves.
SELECT base, quote, sum(trunc(rate)) + sum(rate - trunc(rate)) AS rate FROM fx_rate
 WHERE NOT (rate_date < %(first)s OR rate_date > %(last)s OR fetched_at > %(as_of)s) GROUP BY 1, 2
