-- The ground that the owners' tables stand on: their schemas and login roles, the memory of migrations, and the machinery
-- of daily partitions. Only the owner of the database makes or drops tables; services reach partitions through parents.

create schema runhook;

create table runhook.schema_migration (
    version    integer primary key check (version > 0),
    name       text not null,
    checksum   text not null,                            -- hex SHA-256 of the file
    applied_at timestamptz not null default clock_timestamp()
);

-- Roles belong to the cluster, so another database's migration may make them at the same moment.
-- They get LOGIN and a password from whoever deploys: see schema/roles.sql.
do $$
declare
    role_name text;
begin
    foreach role_name in array array['runhook_subscription', 'runhook_delivery', 'runhook_trigger'] loop
        if to_regrole(role_name) is null then
            begin
                execute format('create role %I nologin', role_name);
            exception when duplicate_object or unique_violation then
                null;
            end;
        end if;
    end loop;
end
$$;

-- Nobody may do what no migration granted. Functions are the one thing that Postgres opens to all by default.
alter default privileges revoke execute on functions from public;
revoke all on schema public from public;

create schema subscription;
create schema delivery;
create schema trigger;
grant usage on schema subscription to runhook_subscription;
grant usage on schema delivery to runhook_delivery;
grant usage on schema trigger to runhook_trigger;
grant usage on schema runhook to runhook_subscription, runhook_delivery, runhook_trigger;
grant select on runhook.schema_migration to runhook_subscription, runhook_delivery, runhook_trigger;

-- Tables range-partitioned by one timestamptz column, a partition per UTC day. There is no default partition: a row for a
-- day that was not made in time is an error that is seen, not a heap that no retention reaches.
create table runhook.partitioned_table (
    parent         text primary key check (parent ~ '^[a-z_]+\.[a-z0-9_]+$'),  -- schema.table
    retention_days integer not null check (retention_days between 1 and 3650)  -- whole days kept beside today
);

create function runhook.check_partition_caller(p_owner_schema text) returns void
    language plpgsql stable
    set search_path = pg_catalog, pg_temp
as $$
begin
    -- Called inside SECURITY DEFINER functions: current_user is the owner, session_user is who logged in.
    if session_user <> current_user and not pg_has_role(session_user, 'runhook_' || p_owner_schema, 'MEMBER') then
        raise insufficient_privilege
            using message = format('role %s does not own the partitions of schema %s', session_user, p_owner_schema);
    end if;
end
$$;

-- Makes the partitions of an owner's tables from yesterday (a pod whose transaction began before midnight) to
-- p_days_ahead days after p_today; p_today is the database's UTC day if null. Returns what it made. Two callers at once
-- wait for each other; one that waits for a lock of a busy table gives up after 2 s and changes nothing.
create function runhook.make_partitions(p_owner_schema text, p_days_ahead integer default 7, p_today date default null)
    returns setof text
    language plpgsql security definer
    set search_path = pg_catalog, pg_temp
    set lock_timeout = '2s'
    set timezone = 'UTC'
as $$
declare
    v_today  date := coalesce(p_today, clock_timestamp()::date);
    v_parent text;
    v_day    date;
    v_child  text;
begin
    perform runhook.check_partition_caller(p_owner_schema);
    perform pg_advisory_xact_lock(hashtext('runhook.partitions'), hashtext(p_owner_schema));
    for v_parent in
        select t.parent from runhook.partitioned_table t
        where split_part(t.parent, '.', 1) = p_owner_schema order by t.parent
    loop
        for v_day in
            select d::date from generate_series(v_today - 1, v_today + p_days_ahead, interval '1 day') as d
        loop
            v_child := v_parent || '_p' || to_char(v_day, 'YYYYMMDD');
            if to_regclass(v_child) is null then
                -- CREATE and ATTACH, because PARTITION OF would stop every writer of the parent. An identity column
                -- belongs to the parent alone (from 17 on a table that has its own cannot be attached).
                execute format('create table %s (like %s including all excluding identity)', v_child, v_parent);
                execute format('alter table %s attach partition %s for values from (%L) to (%L)',
                               v_parent, v_child, v_day::timestamptz, (v_day + 1)::timestamptz);
                return next v_child;
            end if;
        end loop;
    end loop;
end
$$;

-- Drops the partitions of an owner's tables that are wholly past their retention; returns what it dropped. Stops writers
-- of a parent for the moment of its DETACH, and gives up after 2 s rather than make them wait behind a long reader.
create function runhook.drop_partitions(p_owner_schema text, p_today date default null)
    returns setof text
    language plpgsql security definer
    set search_path = pg_catalog, pg_temp
    set lock_timeout = '2s'
    set timezone = 'UTC'
as $$
declare
    v_today  date := coalesce(p_today, clock_timestamp()::date);
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
        order by c.relname
    loop
        execute format('alter table %s detach partition %s', v_parent, v_child);
        execute format('drop table %s', v_child);
        return next v_child;
    end loop;
end
$$;

grant execute on function runhook.make_partitions(text, integer, date), runhook.drop_partitions(text, date)
    to runhook_subscription, runhook_delivery, runhook_trigger;
