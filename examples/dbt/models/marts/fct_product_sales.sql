select
    products.sku,
    products.product_name,
    products.category,
    coalesce(sum(items.quantity), 0) as sold_count,
    coalesce(sum(items.amount), 0) as sold_amount
from {{ ref('stg_products') }} as products
left join {{ ref('stg_order_items') }} as items using (sku)
group by all
