select
    id as order_item_id,
    order_id,
    sku,
    quantity,
    cast(quantity * unit_price_cents / 100.0 as decimal(12, 2)) as amount
from {{ ref('raw_order_items') }}
