-- Deliveries again: by hand, one or all that failed. A breaker that all pods share; an attempt told in full; the publisher's trace.

-- The trace that the publisher is in; the receiver gets it at every attempt.
alter table delivery.event add column traceparent text collate "C";

-- What an attempt was, phase by phase. Times of a kept connection's phases are null: there were none.
alter table delivery.attempt
    add column response_headers bytea not null default '',  -- its first 4 KiB, as lines
    add column custom_names text not null default '',       -- names of the custom headers that went along, a blank between
    add column phase text not null default '',              -- where it stood when it ended without an answer
    add column resolve_us int,
    add column connect_us int,
    add column tls_us int;

-- The breaker of a lane, shared by all pods: failed attempts in a row, of whichever deliveries; open until then, and probed by one
-- attempt after that; how often it opened since the endpoint last took something.
alter table delivery.lane
    add column failed_attempts int not null default 0 check (failed_attempts >= 0),
    add column open_until timestamptz,
    add column openings int not null default 0 check (openings >= 0);
create index lane_open on delivery.lane (open_until) where open_until is not null;

-- A redelivery is a row of the queue under the id that its delivery has: it continues counting attempts, on a schedule of its own.
alter table delivery.queue add column redelivery smallint;  -- attempts when it was asked for; null: it was not
drop index delivery.queue_tried;
create index queue_tried on delivery.queue (subscription_id, published_at, id) where attempts > 0 or redelivery is not null;

-- Recoveries: all that failed, since a time, put back into the queue bit by bit.
create table delivery.recovery (
    recovery_id bigint generated always as identity primary key,
    account_id bigint not null,
    subscription_id bigint not null,
    state text not null default 'RUNNING' check (state in ('RUNNING', 'FINISHED', 'CANCELLED')),
    published_since timestamptz not null,
    published_until timestamptz not null,
    event_type text collate "C",
    found int not null check (found >= 0),         -- when it began, counted up to 100,000
    requeued bigint not null default 0,
    after_published_at timestamptz,                -- how far it has come
    after_id bigint,
    created_at timestamptz not null default clock_timestamp(),
    finished_at timestamptz,
    check ((finished_at is not null) = (state <> 'RUNNING'))
);
create index recovery_subscription on delivery.recovery (subscription_id, recovery_id);
create index recovery_running on delivery.recovery (recovery_id) where state = 'RUNNING';
grant select, insert, update, delete on delivery.recovery to runhook_delivery;
grant usage on all sequences in schema delivery to runhook_delivery;

-- Drops the partitions of one of an owner's tables that are wholly past their retention; returns what it dropped, so nothing when
-- there is nothing left: call it until then. One table a transaction: with two, it would hold the lock of the first while it waits
-- for the second behind a publisher that waits for the first. Stops writers of a parent for the moment of its DETACH, and gives up
-- after 2 s rather than make them wait behind a long reader.
create or replace function runhook.drop_partitions(p_owner_schema text, p_today date default null)
    returns setof text
    language plpgsql security definer
    set search_path = pg_catalog, pg_temp
    set lock_timeout = '2s'
    set timezone = 'UTC'
as $$
declare
    v_today  date := coalesce(p_today, clock_timestamp()::date);
    v_first  text;
    v_parent text;
    v_child  text;
begin
    perform runhook.check_partition_caller(p_owner_schema);
    perform pg_advisory_xact_lock(hashtext('runhook.partitions'), hashtext(p_owner_schema));
    for v_parent, v_child in
        select t.parent, p_owner_schema || '.' || c.relname
        from runhook.partitioned_table t
        join pg_inherits i on i.inhparent = to_regclass(t.parent)
        join pg_class c on c.oid = i.inhrelid
        where split_part(t.parent, '.', 1) = p_owner_schema
          and c.relname ~ '_p\d{8}$'
          and to_date(right(c.relname, 8), 'YYYYMMDD') < v_today - t.retention_days
        order by t.parent, c.relname
    loop
        v_first := coalesce(v_first, v_parent);
        exit when v_parent <> v_first;
        execute format('alter table %s detach partition %s', v_parent, v_child);
        execute format('drop table %s', v_child);
        return next v_child;
    end loop;
end
$$;
