{#
  One row per webhook call that this run was started with. The runner hands the calls over as a file, whose path is in
  RUNHOOK_PAYLOAD_FILE: a JSON array of {"data": "<body of the call>", "type": "<its Content-Type>"}. Started by hand,
  without a runner, there are no calls.

  A table, not a view: the file is gone when the run ends. Calls that are not JSON are none of ours. Everything stays text
  here; fct_order_updates casts, so that a call with a broken value fails that one model.
#}
{{ config(materialized='table') }}

{% set payload_file = env_var('RUNHOOK_PAYLOAD_FILE', '') %}

with calls as (
    {% if payload_file %}
    select
        row_number() over () as call_number,
        type as content_type,
        data
    from read_json(
        '{{ payload_file | replace("'", "''") }}',
        format = 'array',
        columns = {data: 'varchar', type: 'varchar'}
    )
    {% else %}
    select
        cast(null as bigint) as call_number,
        cast(null as varchar) as content_type,
        cast(null as varchar) as data
    where false
    {% endif %}
)

select
    call_number,
    content_type,
    json_extract_string(data, '$.order_id') as order_id,
    json_extract_string(data, '$.status') as status,
    json_extract_string(data, '$.amount') as amount,
    json_extract_string(data, '$.at') as happened_at
from calls
where content_type ilike 'application/json%'
