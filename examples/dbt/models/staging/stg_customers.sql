select
    id as customer_id,
    first_name || ' ' || last_name as customer_name,
    email,
    city,
    country,
    cast(joined_on as date) as joined_on
from {{ ref('raw_customers') }}
