-- One row per customer active at the cut-off, from rows dated before the cut-off only.
-- cancelled_on decides who is still active. It is not returned, since it is information from the future.
WITH activity AS (
    SELECT
        customer_id,
        SUM(CASE WHEN day >= :week_start THEN sessions ELSE 0 END) AS sessions_7d,
        SUM(CASE WHEN day >= :week_start THEN minutes END) AS minutes_7d,
        SUM(CASE WHEN day >= :week_start THEN 1 ELSE 0 END) AS active_days_7d,
        SUM(CASE WHEN day < :week_start THEN sessions ELSE 0 END) AS sessions_previous_7d
    FROM daily_activity
    WHERE day >= :previous_week_start AND day < :cutoff
    GROUP BY customer_id
),
calls AS (
    SELECT customer_id, COUNT(*) AS support_calls_7d
    FROM support_calls
    WHERE day >= :week_start AND day < :cutoff
    GROUP BY customer_id
),
billing AS (
    SELECT
        customer_id,
        CAST(MAX(CASE WHEN paid_on >= :week_start THEN amount END) AS FLOAT) AS weekly_price,
        SUM(CASE WHEN status = 'failed' THEN 1 ELSE 0 END) AS failed_payments_14d
    FROM payments
    WHERE paid_on >= :previous_week_start AND paid_on < :cutoff
    GROUP BY customer_id
)
SELECT
    customers.customer_id,
    customers.subscribed_on,
    customers.plan,
    customers.segment,
    customers.region,
    customers.acquisition_channel,
    customers.age,
    billing.weekly_price,
    COALESCE(activity.sessions_7d, 0) AS sessions_7d,
    -- minutes stay NULL for customers who declined tracking, and are 0 for those who did nothing
    CASE WHEN COALESCE(activity.active_days_7d, 0) = 0 THEN 0 ELSE activity.minutes_7d END AS minutes_7d,
    COALESCE(activity.active_days_7d, 0) AS active_days_7d,
    COALESCE(activity.sessions_previous_7d, 0) AS sessions_previous_7d,
    COALESCE(calls.support_calls_7d, 0) AS support_calls_7d,
    COALESCE(billing.failed_payments_14d, 0) AS failed_payments_14d
FROM customers
LEFT JOIN activity ON activity.customer_id = customers.customer_id
LEFT JOIN calls ON calls.customer_id = customers.customer_id
LEFT JOIN billing ON billing.customer_id = customers.customer_id
WHERE customers.joined_on < :cutoff
    AND (customers.cancelled_on IS NULL OR customers.cancelled_on >= :cutoff)
ORDER BY customers.customer_id
