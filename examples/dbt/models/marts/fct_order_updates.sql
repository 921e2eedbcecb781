{#
  What the calls of this run say about our orders: one row per call. The casts are meant to be
  strict: a call whose order_id or amount is no number fails this model, and with it the run.
#}
select
    calls.call_number,
    cast(calls.order_id as bigint) as order_id,
    orders.customer_id,
    orders.status as old_status,
    calls.status as new_status,
    coalesce(cast(calls.amount as decimal(12, 2)), orders.amount) as amount,
    cast(calls.happened_at as timestamptz) as happened_at
from {{ ref('stg_webhook_calls') }} as calls
left join {{ ref('fct_orders') }} as orders
    on orders.order_id = cast(calls.order_id as bigint)
