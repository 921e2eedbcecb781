select
    customers.customer_id,
    customers.customer_name,
    customers.country,
    count(orders.order_id) as order_count,
    coalesce(sum(orders.amount) filter (orders.status not in ('returned', 'cancelled')), 0) as lifetime_amount,
    max(orders.ordered_at) as last_ordered_at
from {{ ref('stg_customers') }} as customers
left join {{ ref('fct_orders') }} as orders using (customer_id)
group by all
