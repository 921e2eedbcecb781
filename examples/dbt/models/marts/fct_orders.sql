select
    orders.order_id,
    orders.customer_id,
    orders.ordered_at,
    orders.status,
    orders.payment_method,
    sum(items.quantity) as item_count,
    sum(items.amount) as amount
from {{ ref('stg_orders') }} as orders
join {{ ref('stg_order_items') }} as items using (order_id)
group by all
