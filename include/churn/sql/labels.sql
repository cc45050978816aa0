-- One row per customer active at the cut-off, 1 if they cancel before the end of the horizon.
SELECT
    customer_id,
    CASE WHEN cancelled_on < :horizon_end THEN 1 ELSE 0 END AS churned
FROM customers
WHERE joined_on < :cutoff
    AND (cancelled_on IS NULL OR cancelled_on >= :cutoff)
ORDER BY customer_id
