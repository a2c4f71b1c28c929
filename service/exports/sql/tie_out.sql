SELECT source AS psp_reference, currency, our_minor AS ours, psp_minor AS theirs, psp_minor - our_minor AS difference, result, (since AT TIME ZONE %(zone)s)::date AS since
  FROM psp_match_at(%(placed)s, %(as_of)s) WHERE (since AT TIME ZONE %(zone)s)::date BETWEEN %(first)s AND %(last)s AND since <= %(as_of)s ORDER BY since, source
