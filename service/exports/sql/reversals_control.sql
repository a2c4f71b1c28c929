-- Refunds and chargebacks as their own rows say, past the books' amounts.
WITH fact AS (
    SELECT e.kind, f.currency, f.amount_minor AS gross, f.amount_minor - f.from_freelancer_minor AS fee, e.posted_on, (SELECT max(o.posted_on) FROM release r JOIN journal_entry o ON o.cause_id = r.id AND o.kind = 'release'
                WHERE r.milestone_id = f.milestone_id AND o.number < e.number) AS original_on
      FROM refund f JOIN journal_entry e ON e.kind = 'refund_after_release' AND e.cause_id = f.id WHERE e.posted_on BETWEEN %(first)s AND %(last)s AND e.position <= %(placed)s
    UNION ALL
    SELECT e.kind, b.currency, b.amount_minor - CASE e.kind WHEN 'chargeback_lost' THEN coalesce(
               (SELECT sum(l.amount_minor) FROM case_line l JOIN journal_entry t ON t.kind = 'case_chargeback' AND t.cause_id = l.case_id AND t.cause_sequence = l.number
                 WHERE l.chargeback_id = b.id AND t.number < e.number AND t.number > (SELECT max(o.number) FROM journal_entry o WHERE o.kind = 'chargeback_open' AND o.cause_id = b.id AND o.number < e.number)), 0) ELSE 0 END,
           0, e.posted_on, (SELECT max(o.posted_on) FROM journal_entry o WHERE o.kind = 'fund' AND o.cause_id = b.payment_id)
      FROM chargeback b JOIN journal_entry e ON e.kind IN ('chargeback_open', 'chargeback_won', 'chargeback_lost') AND e.cause_id = b.id
     WHERE e.posted_on BETWEEN %(first)s AND %(last)s AND e.position <= %(placed)s
)
SELECT kind, currency, sum(extract(year FROM original_on)) AS original_year, sum(gross) AS gross, sum(fee) AS fee, sum(gross - fee) AS net, sum(extract(year FROM posted_on)) AS affects_p_and_l_year
  FROM fact GROUP BY 1, 2
