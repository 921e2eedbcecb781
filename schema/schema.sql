-- What all migrations make, as pg_dump 18 says it. Written by `make schema`; never edited.

-- Name: delivery; Type: SCHEMA; Schema: -; Owner: -

CREATE SCHEMA delivery;

-- Name: runhook; Type: SCHEMA; Schema: -; Owner: -

CREATE SCHEMA runhook;

-- Name: subscription; Type: SCHEMA; Schema: -; Owner: -

CREATE SCHEMA subscription;

-- Name: trigger; Type: SCHEMA; Schema: -; Owner: -

CREATE SCHEMA trigger;

-- Name: wish; Type: TYPE; Schema: trigger; Owner: -

CREATE TYPE trigger.wish AS (
	public_id text,
	account_id bigint,
	task_id bigint,
	plan_id bigint,
	trigger_id bigint,
	window_id bigint,
	call_count integer,
	cause text,
	run_reason text,
	created_at timestamp with time zone,
	payload_of bigint,
	payload_bytes bigint,
	rerun_of bigint,
	parameters jsonb,
	request_id text,
	request_hash bytea,
	first_step integer,
	plan jsonb
);

-- Name: caller_of_token(bytea); Type: FUNCTION; Schema: runhook; Owner: -

CREATE FUNCTION runhook.caller_of_token(p_token_hash bytea) RETURNS TABLE(account_id bigint, permission_set text, token_id bigint)
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog'
    AS $$
    with found as materialized (
        select t.token_id, t.account_id, t.permission_set, t.last_used_at
          from subscription.service_token t
         where t.token_hash = p_token_hash
           and t.revoked_at is null
           and (t.expires_at is null or t.expires_at > clock_timestamp())
    ), used as (
        update subscription.service_token u
           set last_used_at = clock_timestamp()
         where u.token_id = any (array(
                   select s.token_id
                     from found f
                     join subscription.service_token s on s.token_id = f.token_id
                    where f.last_used_at is null or f.last_used_at < clock_timestamp() - interval '5 minutes'
                      for no key update of s skip locked))
    )
    select f.account_id, f.permission_set, f.token_id from found f
$$;

-- Name: check_partition_caller(text); Type: FUNCTION; Schema: runhook; Owner: -

CREATE FUNCTION runhook.check_partition_caller(p_owner_schema text) RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
begin
    -- Called inside SECURITY DEFINER functions: current_user is the owner, session_user is who logged in.
    if session_user <> current_user and not pg_has_role(session_user, 'runhook_' || p_owner_schema, 'MEMBER') then
        raise insufficient_privilege
            using message = format('role %s does not own the partitions of schema %s', session_user, p_owner_schema);
    end if;
end
$$;

-- Name: drop_partitions(text, date); Type: FUNCTION; Schema: runhook; Owner: -

CREATE FUNCTION runhook.drop_partitions(p_owner_schema text, p_today date DEFAULT NULL::date) RETURNS SETOF text
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET lock_timeout TO '2s'
    SET "TimeZone" TO 'UTC'
    AS $_$
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
$_$;

-- Name: make_partitions(text, integer, date); Type: FUNCTION; Schema: runhook; Owner: -

CREATE FUNCTION runhook.make_partitions(p_owner_schema text, p_days_ahead integer DEFAULT 7, p_today date DEFAULT NULL::date) RETURNS SETOF text
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET lock_timeout TO '2s'
    SET "TimeZone" TO 'UTC'
    AS $$
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

-- Name: admit_held(bigint, timestamp with time zone); Type: FUNCTION; Schema: trigger; Owner: -

CREATE FUNCTION trigger.admit_held(p_target bigint, p_now timestamp with time zone DEFAULT NULL::timestamp with time zone) RETURNS boolean
    LANGUAGE plpgsql
    AS $$
declare
    t timestamptz := coalesce(p_now, clock_timestamp());
    c record;
begin
    select g.* into c from trigger.target_rules(p_target) g;
    if c.paused or trigger.room(p_target, c.queue_limit, c.queue_count, t) <= 0 then
        return false;
    end if;
    perform trigger.lock_target(p_target);
    return trigger.give_turns(p_target, t);
end $$;

-- Name: advance_plan(bigint, timestamp with time zone); Type: FUNCTION; Schema: trigger; Owner: -

CREATE FUNCTION trigger.advance_plan(p_execution_id bigint, p_now timestamp with time zone) RETURNS void
    LANGUAGE plpgsql
    AS $$
declare
    e trigger.execution;
    v_wanted bigint[];
begin
    select x.* into e from trigger.execution x where x.execution_id = p_execution_id;
    if exists (select from trigger.run r where r.execution_id = p_execution_id and r.finished_at is null) then
        return;
    end if;
    if e.failed_step is null and e.step = jsonb_array_length(e.plan -> 'steps') then
        perform trigger.end_execution(p_execution_id, 'SUCCEEDED', '', p_now);
        return;
    end if;
    if e.failed_step is null then
        v_wanted := trigger.tasks_of(null, e.plan, e.step + 1);
        if (select count(*) from trigger.task t where t.task_id = any(v_wanted)) = cardinality(v_wanted) then
            update trigger.execution x set step = x.step + 1 where x.execution_id = p_execution_id;
            perform trigger.make_runs(array[p_execution_id], e.step + 1, p_now);
            return;
        end if;
        e.failure := 'task_missing';
        update trigger.execution x set failed_step = x.step + 1, failure = e.failure where x.execution_id = p_execution_id;
    end if;
    v_wanted := trigger.tasks_of(null, e.plan, 0);
    if not e.handling and exists (select from trigger.task t where t.task_id = any(v_wanted)) then
        -- From here on the failure handler's own timeout holds.
        update trigger.execution x set handling = true, deadline_at = null where x.execution_id = p_execution_id;
        perform trigger.make_runs(array[p_execution_id], 0, p_now);
        return;
    end if;
    perform trigger.end_execution(p_execution_id, 'FAILED', e.failure, p_now);
end $$;

-- Name: cancel_execution(bigint, text, timestamp with time zone); Type: FUNCTION; Schema: trigger; Owner: -

CREATE FUNCTION trigger.cancel_execution(p_account_id bigint, p_execution_id text, p_now timestamp with time zone DEFAULT NULL::timestamp with time zone) RETURNS text
    LANGUAGE plpgsql
    AS $$
declare
    e trigger.execution;
    t timestamptz;
begin
    select x.* into e from trigger.execution x where x.public_id = p_execution_id and x.account_id = p_account_id;
    if not found then
        return 'NOT_FOUND';
    end if;
    perform trigger.lock_target(e.target);
    select x.* into e from trigger.execution x where x.execution_id = e.execution_id for no key update;
    t := coalesce(p_now, clock_timestamp());
    if e.finished_at is not null then
        return case when e.state = 'CANCELLED' then 'REPEATED' else 'FINISHED' end;
    end if;
    perform trigger.end_runs(e.execution_id, 'CANCELLED', '', '', t);
    perform trigger.end_execution(e.execution_id, 'CANCELLED', '', t);
    return 'CANCELLED';
end $$;

-- Name: close_expired(integer, text[], timestamp with time zone); Type: FUNCTION; Schema: trigger; Owner: -

CREATE FUNCTION trigger.close_expired(p_limit integer, p_execution_ids text[], p_now timestamp with time zone DEFAULT NULL::timestamp with time zone) RETURNS TABLE(what text, trigger_id bigint, window_id bigint, public_trigger_id text, execution_id text, reason text, size integer, seconds double precision)
    LANGUAGE plpgsql
    AS $$
#variable_conflict use_column
declare
    v_now timestamptz := coalesce(p_now, clock_timestamp());  -- a variable: the index takes no volatile call
    v_closed trigger.window[];
begin
    v_closed := array(
        select (x.window_id, x.trigger_id, x.account_id, 'CLOSED', x.threshold, x.first_seq, x.opened_at, x.deadline_at,
                x.window_count, x.window_bytes, coalesce(p_now, clock_timestamp()), 'deadline')::trigger.window
          from (select d.window_id, d.trigger_id, d.account_id, d.threshold, d.first_seq, d.opened_at, d.deadline_at,
                       h.window_count, h.window_bytes
                  from trigger.window d
                  join trigger.head h on h.trigger_id = d.trigger_id and h.window_id = d.window_id
                 where d.state = 'OPEN' and d.deadline_at <= v_now
                 order by d.deadline_at
                 limit p_limit
                   for no key update of h skip locked) x);
    if v_closed = '{}' then
        return;
    end if;
    update trigger.window d
       set state = c.state, size = c.size, bytes = c.bytes, closed_at = c.closed_at, close_reason = c.close_reason
      from unnest(v_closed) c
     where d.window_id = c.window_id and d.state = 'OPEN';
    update trigger.head d
       set window_id = null, window_threshold = null, window_count = null, window_bytes = null, opened_at = null,
           deadline_at = null
      from unnest(v_closed) c
     where d.trigger_id = c.trigger_id;
    return query
    select s.what, s.trigger_id, s.window_id, s.public_trigger_id, s.execution_id, s.reason, s.size, s.seconds
      from trigger.set_going(v_closed, p_execution_ids) s;
end $$;

-- Name: close_window(bigint, text, text[], timestamp with time zone); Type: FUNCTION; Schema: trigger; Owner: -

CREATE FUNCTION trigger.close_window(p_trigger_id bigint, p_reason text, p_execution_ids text[], p_now timestamp with time zone DEFAULT NULL::timestamp with time zone) RETURNS TABLE(what text, trigger_id bigint, window_id bigint, public_trigger_id text, execution_id text, reason text, size integer, seconds double precision)
    LANGUAGE plpgsql
    AS $$
#variable_conflict use_column
declare
    h trigger.head;
    w trigger.window;
    t timestamptz;
begin
    select d.* into h from trigger.head d where d.trigger_id = p_trigger_id for no key update;
    if h.window_id is null then
        return;
    end if;
    t := coalesce(p_now, clock_timestamp());
    update trigger.head d
       set window_id = null, window_threshold = null, window_count = null, window_bytes = null, opened_at = null,
           deadline_at = null
     where d.trigger_id = p_trigger_id;
    if p_reason = 'discarded' then
        delete from trigger.window d where d.window_id = h.window_id and d.state = 'OPEN' returning d.* into strict w;
        delete from trigger.call c
         where c.received_day between (w.opened_at at time zone 'UTC')::date and (t at time zone 'UTC')::date
           and c.trigger_id = p_trigger_id and c.seq >= w.first_seq;
        return query
        select 'DISCARDED', g.trigger_id, h.window_id, g.public_id, null, p_reason, h.window_count,
               extract(epoch from t - h.deadline_at)::double precision
          from trigger.trigger g where g.trigger_id = p_trigger_id;
        return;
    end if;
    update trigger.window d
       set state = 'CLOSED', size = h.window_count, bytes = h.window_bytes, closed_at = t,
           close_reason = case when h.deadline_at <= t then 'deadline' else p_reason end
     where d.window_id = h.window_id and d.state = 'OPEN'
    returning d.* into strict w;
    return query
    select s.what, s.trigger_id, s.window_id, s.public_trigger_id, s.execution_id, s.reason, s.size, s.seconds
      from trigger.set_going(array[w], p_execution_ids) s;
end $$;

-- Name: end_execution(bigint, text, text, timestamp with time zone); Type: FUNCTION; Schema: trigger; Owner: -

CREATE FUNCTION trigger.end_execution(p_execution_id bigint, p_state text, p_reason text, p_now timestamp with time zone) RETURNS void
    LANGUAGE plpgsql
    AS $$
declare
    v_target bigint;
begin
    update trigger.execution x
       set state = p_state, reason = p_reason, finished_at = p_now
     where x.execution_id = p_execution_id
    returning x.target into v_target;
    perform trigger.give_turns(v_target, p_now);
end $$;

-- Name: end_run(bigint, bigint, bigint, boolean, text, text, text, integer, double precision, text, timestamp with time zone); Type: FUNCTION; Schema: trigger; Owner: -

CREATE FUNCTION trigger.end_run(p_run_id bigint, p_lease_id bigint, p_account_id bigint, p_lost boolean, p_state text, p_reason text, p_message text, p_exit_code integer, p_artifact_seconds double precision, p_summary text DEFAULT NULL::text, p_now timestamp with time zone DEFAULT NULL::timestamp with time zone) RETURNS TABLE(answer text, account_id bigint, task_id bigint, execution_id text, attempts integer, seconds double precision, execution_state text)
    LANGUAGE plpgsql
    AS $$
#variable_conflict use_column
declare
    r trigger.run;
    e trigger.execution;
    t timestamptz;
begin
    select x.* into e
      from trigger.execution x
     where x.execution_id = (select y.execution_id from trigger.run y where y.run_id = p_run_id);
    perform trigger.lock_target(e.target);
    perform from trigger.execution x where x.execution_id = e.execution_id for no key update;
    select x.* into r from trigger.run x where x.run_id = p_run_id for no key update;
    t := coalesce(p_now, clock_timestamp());
    if r.lease_id is distinct from p_lease_id or (p_account_id is not null and r.account_id <> p_account_id) then
        return query select 'LEASE_LOST', null::bigint, null::bigint, null, null::integer, null::double precision, null;
        return;
    end if;
    if r.finished_at is not null or (p_lost and r.lease_until > t) then
        return query select 'REPEATED', null::bigint, null::bigint, null, null::integer, null::double precision, null;
        return;
    end if;
    if r.started_at is null and p_state = 'SUCCEEDED' then
        return query select 'NOT_STARTED', null::bigint, null::bigint, null, null::integer, null::double precision, null;
        return;
    end if;
    update trigger.run x
       set state = p_state, reason = p_reason, message = p_message, exit_code = p_exit_code, finished_at = t,
           summary = coalesce(p_summary, x.summary),
           lease_id = case when p_lost then null else x.lease_id end, lease_until = null,
           artifacts_due_at = case when p_artifact_seconds > 0 then t + make_interval(secs => p_artifact_seconds) end
     where x.run_id = p_run_id;
    perform trigger.tell_end(array[p_run_id], p_artifact_seconds <= 0);
    if e.plan_id is null then
        perform trigger.end_execution(e.execution_id, p_state, trigger.execution_reason(p_reason), t);
    else
        if p_state = 'FAILED' then
            update trigger.execution x
               set failed_step = r.step, failure = trigger.execution_reason(p_reason)
             where x.execution_id = e.execution_id and x.failed_step is null;
        end if;
        perform trigger.advance_plan(e.execution_id, t);
    end if;
    return query
    select 'FINISHED', r.account_id, r.task_id, x.public_id, r.attempts::integer,
           extract(epoch from t - coalesce(r.started_at, t))::double precision,
           case when x.finished_at is not null then x.state end
      from trigger.execution x where x.execution_id = e.execution_id;
end $$;

-- Name: end_runs(bigint, text, text, text, timestamp with time zone); Type: FUNCTION; Schema: trigger; Owner: -

CREATE FUNCTION trigger.end_runs(p_execution_id bigint, p_state text, p_reason text, p_message text, p_now timestamp with time zone) RETURNS bigint[]
    LANGUAGE plpgsql
    AS $$
declare
    v_ids bigint[];
begin
    v_ids := array(select r.run_id from trigger.run r
                    where r.execution_id = p_execution_id and r.finished_at is null order by r.run_id for no key update);
    update trigger.run r
       set state = case when r.state = 'RUNNING' then p_state else 'CANCELLED' end,
           reason = case when r.state = 'RUNNING' then p_reason else '' end,
           message = case when r.state = 'RUNNING' then p_message else '' end,
           finished_at = p_now, lease_id = null, lease_until = null
     where r.run_id = any(v_ids);
    perform trigger.tell_end(v_ids, true);
    return v_ids;
end $$;

-- Name: execution; Type: TABLE; Schema: trigger; Owner: -

CREATE TABLE trigger.execution (
    execution_id bigint NOT NULL,
    public_id text NOT NULL COLLATE pg_catalog."C",
    account_id bigint NOT NULL,
    task_id bigint,
    trigger_id bigint,
    window_id bigint,
    call_count integer NOT NULL,
    exclusive boolean NOT NULL,
    state text DEFAULT 'PENDING'::text NOT NULL,
    reason text DEFAULT ''::text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    turn_at timestamp with time zone,
    started_at timestamp with time zone,
    finished_at timestamp with time zone,
    plan_id bigint,
    cause text DEFAULT 'webhook'::text NOT NULL,
    rerun_of bigint,
    payload_of bigint,
    parameters jsonb,
    run_reason text,
    request_id text COLLATE pg_catalog."C",
    step integer DEFAULT 0 NOT NULL,
    failed_step integer,
    handling boolean DEFAULT false NOT NULL,
    plan jsonb,
    deadline_at timestamp with time zone,
    target bigint GENERATED ALWAYS AS (COALESCE(task_id, (- plan_id))) STORED NOT NULL,
    queued_at timestamp with time zone,
    payload_bytes bigint DEFAULT 0 NOT NULL,
    failure text DEFAULT ''::text NOT NULL,
    request_hash bytea,
    CONSTRAINT execution_cause_check CHECK ((cause = ANY (ARRAY['webhook'::text, 'once'::text, 'cron'::text, 'manual'::text, 'rerun'::text]))),
    CONSTRAINT execution_check CHECK (((finished_at IS NOT NULL) = (state = ANY (ARRAY['SUCCEEDED'::text, 'FAILED'::text, 'CANCELLED'::text, 'REJECTED'::text])))),
    CONSTRAINT execution_check2 CHECK (((state <> 'PENDING'::text) OR (started_at IS NULL))),
    CONSTRAINT execution_check3 CHECK (((state <> ALL (ARRAY['RUNNING'::text, 'SUCCEEDED'::text])) OR ((started_at IS NOT NULL) AND (turn_at IS NOT NULL)))),
    CONSTRAINT execution_one_target CHECK ((num_nonnulls(task_id, plan_id) = 1)),
    CONSTRAINT execution_public_id_check CHECK ((public_id ~ '^exe_[0-9A-Za-z]{27}$'::text)),
    CONSTRAINT execution_reason CHECK (((reason = ''::text) OR (state = ANY (ARRAY['FAILED'::text, 'REJECTED'::text, 'CANCELLED'::text])))),
    CONSTRAINT execution_state_check CHECK ((state = ANY (ARRAY['PENDING'::text, 'RUNNING'::text, 'SUCCEEDED'::text, 'FAILED'::text, 'CANCELLED'::text, 'REJECTED'::text])))
)
WITH (autovacuum_vacuum_scale_factor='0', autovacuum_vacuum_threshold='5000', autovacuum_vacuum_cost_delay='0');

-- Name: enqueue(trigger.wish[], timestamp with time zone); Type: FUNCTION; Schema: trigger; Owner: -

CREATE FUNCTION trigger.enqueue(p_wishes trigger.wish[], p_now timestamp with time zone) RETURNS SETOF trigger.execution
    LANGUAGE plpgsql
    AS $$
#variable_conflict use_column
declare
    v_made trigger.execution[];
begin
    with wish as materialized (
        select w.*, coalesce(w.task_id, -w.plan_id) as target, w.ordinality as place,
               row_number() over (partition by coalesce(w.task_id, -w.plan_id) order by w.ordinality) as place_in_target
          from unnest(p_wishes) with ordinality w
    ), judged as materialized (
        select d.target, c.queue_mode, c.paused, c.allow_parallel_runs,
               trigger.room(d.target, c.queue_limit, c.queue_count, p_now) as room,
               not exists (select from trigger.execution x
                            where x.target = d.target and x.exclusive and x.turn_at is not null and x.finished_at is null)
               and not exists (select from trigger.execution x
                                where x.target = d.target and x.exclusive and x.queued_at is not null and x.turn_at is null
                                  and x.finished_at is null) as free
          from (select distinct w.target from wish w) d
         cross join lateral trigger.target_rules(d.target) c
    ), looked_at as materialized (
        select w.*, j.queue_mode, j.paused, j.allow_parallel_runs, j.room, j.free,
               case when k.found < cardinality(k.wanted) then 'task_missing'
                    when w.payload_bytes > 0 and coalesce(w.first_step, 1) = 1 and k.takers = 0 then 'parameter_missing'
                    else '' end as failure
          from wish w
          join judged j on j.target = w.target
         cross join lateral (
               select n.wanted, count(t.task_id) as found,
                      count(*) filter (where t.parameters @> '[{"name": "resource_webhook_payload"}]') as takers
                 from (select trigger.tasks_of(w.task_id, w.plan, w.first_step) as wanted) n
                 left join trigger.task t on t.task_id = any(n.wanted)
                group by n.wanted) k
    ), decided as materialized (
        select l.*,
               case when l.failure <> '' then 'FAILED'
                    when l.queue_mode <> 'hold' and l.place_in_target > l.room then 'REJECTED'
                    else 'PENDING' end as state
          from looked_at l
    ), made as (
        insert into trigger.execution as x
            (public_id, account_id, task_id, plan_id, trigger_id, window_id, call_count, exclusive, state, reason, created_at,
             queued_at, turn_at, finished_at, cause, rerun_of, payload_of, payload_bytes, parameters, run_reason,
             request_id, request_hash, step, plan)
        select d.public_id, d.account_id, d.task_id, d.plan_id, d.trigger_id, d.window_id, d.call_count,
               not d.allow_parallel_runs, d.state,
               case d.state when 'FAILED' then d.failure when 'REJECTED' then 'queue_limit' else '' end,
               d.created_at,
               case when d.state = 'PENDING' and d.queue_mode <> 'hold' then p_now end,
               case when d.state = 'PENDING' and d.queue_mode <> 'hold' and not d.paused
                         and (d.allow_parallel_runs or (d.free and d.place_in_target = 1)) then p_now end,
               case when d.state <> 'PENDING' then p_now end,
               d.cause, d.rerun_of, d.payload_of, d.payload_bytes, d.parameters, d.run_reason, d.request_id,
               d.request_hash, case when d.plan_id is null then 0 else d.first_step end, d.plan
          from decided d
         order by d.place
        returning x as made
    )
    select array_agg(m.made order by (m.made).execution_id) into v_made from made m;

    perform trigger.make_runs(g.ids, g.step, p_now)
       from (select x.step, array_agg(x.execution_id order by x.execution_id) as ids
               from unnest(v_made) x
              where x.state = 'PENDING' or (x.reason = 'parameter_missing' and x.task_id is not null)
              group by x.step) g;
    insert into trigger.outbox (run_id, event_type, event_at, run_state, message, finished_at, execution_id)
    select nextval('trigger.run_run_id_seq'), 'execution.rejected', p_now, 'FAILED', 'the queue of its task or plan is full',
           p_now, x.execution_id
      from unnest(v_made) x where x.state = 'REJECTED'
     order by x.execution_id;
    perform trigger.give_turns(h.target, p_now)
       from (select distinct x.target from unnest(v_made) x where x.state = 'PENDING' and x.queued_at is null) h;
    return query select x.* from unnest(v_made) x order by x.execution_id;
end $$;

-- Name: execution_reason(text); Type: FUNCTION; Schema: trigger; Owner: -

CREATE FUNCTION trigger.execution_reason(p_run_reason text) RETURNS text
    LANGUAGE sql IMMUTABLE
    AS $$
    select case when p_run_reason in ('command_failed', 'not_runnable') then 'run_failed' else p_run_reason end
$$;

-- Name: finish_run(bigint, bigint, bigint, boolean, text, text, text, integer, text, double precision, timestamp with time zone); Type: FUNCTION; Schema: trigger; Owner: -

CREATE FUNCTION trigger.finish_run(p_run_id bigint, p_lease_id bigint, p_account_id bigint, p_lost boolean, p_state text, p_reason text, p_message text, p_exit_code integer, p_execution_reason text, p_artifact_seconds double precision, p_now timestamp with time zone DEFAULT NULL::timestamp with time zone) RETURNS TABLE(answer text, account_id bigint, task_id bigint, execution_id text, attempts integer, seconds double precision)
    LANGUAGE sql
    AS $$
    select e.answer, e.account_id, e.task_id, e.execution_id, e.attempts, e.seconds
      from trigger.end_run(p_run_id, p_lease_id, p_account_id, p_lost, p_state, p_reason, p_message, p_exit_code,
                           p_artifact_seconds, null, p_now) e
$$;

-- Name: give_turns(bigint, timestamp with time zone); Type: FUNCTION; Schema: trigger; Owner: -

CREATE FUNCTION trigger.give_turns(p_target bigint, p_now timestamp with time zone) RETURNS boolean
    LANGUAGE plpgsql
    AS $$
declare
    c record;
    v_ids bigint[];
    v_next bigint;
begin
    select g.* into c from trigger.target_rules(p_target) g;
    if c.paused then
        return false;
    end if;
    if exists (select from trigger.execution e where e.target = p_target and e.queued_at is null and e.finished_at is null) then
        update trigger.execution x set queued_at = p_now
         where x.execution_id = any(array(
                   select e.execution_id from trigger.execution e
                    where (e.target, e.execution_id) > (p_target, 0) and (e.target, e.execution_id) < (p_target + 1, 0)
                      and e.queued_at is null and e.finished_at is null
                    order by e.target, e.execution_id
                    limit greatest(0, coalesce(trigger.room(p_target, c.queue_limit, c.queue_count, p_now), 1000000))));
    end if;
    -- Compared as rows, so that only the index of those that wait gives this order: with an equation the planner may walk all
    -- executions in the order of their key instead.
    v_ids := array(
        select e.execution_id from trigger.execution e
         where (e.target, e.execution_id) > (p_target, 0) and (e.target, e.execution_id) < (p_target + 1, 0)
           and not e.exclusive and e.queued_at is not null and e.turn_at is null and e.finished_at is null
         order by e.target, e.execution_id);
    if not exists (
            select from trigger.execution e
             where e.target = p_target and e.exclusive and e.turn_at is not null and e.finished_at is null) then
        select e.execution_id into v_next
          from trigger.execution e
         where (e.target, e.execution_id) > (p_target, 0) and (e.target, e.execution_id) < (p_target + 1, 0)
           and e.exclusive and e.queued_at is not null and e.turn_at is null and e.finished_at is null
         order by e.target, e.execution_id
         limit 1;
        v_ids := v_ids || array_remove(array[v_next], null);
    end if;
    if v_ids = '{}' then
        return false;
    end if;
    update trigger.execution x set turn_at = p_now where x.execution_id = any(v_ids);
    update trigger.run r set due_at = p_now where r.execution_id = any(v_ids) and r.state = 'PENDING' and r.due_at is null;
    return true;
end $$;

-- Name: give_up_waiting(bigint, timestamp with time zone, timestamp with time zone); Type: FUNCTION; Schema: trigger; Owner: -

CREATE FUNCTION trigger.give_up_waiting(p_execution_id bigint, p_before timestamp with time zone, p_now timestamp with time zone DEFAULT NULL::timestamp with time zone) RETURNS boolean
    LANGUAGE plpgsql
    AS $$
declare
    e trigger.execution;
    t timestamptz;
begin
    select x.* into e from trigger.execution x where x.execution_id = p_execution_id;
    perform trigger.lock_target(e.target);
    select x.* into e from trigger.execution x where x.execution_id = p_execution_id for no key update;
    if e.state is distinct from 'PENDING' or e.created_at > p_before then
        return false;
    end if;
    t := coalesce(p_now, clock_timestamp());
    -- A run that ended without having been started, such as one that no runner could take, was told and stays.
    delete from trigger.run r where r.execution_id = p_execution_id and r.finished_at is null;
    insert into trigger.outbox (run_id, event_type, event_at, run_state, message, finished_at, execution_id)
    values (nextval('trigger.run_run_id_seq'), 'execution.rejected', t, 'FAILED', 'it waited longer than an execution may', t,
            p_execution_id);
    perform trigger.end_execution(p_execution_id, 'REJECTED', 'waited_too_long', t);
    return true;
end $$;

-- Name: lock_target(bigint); Type: FUNCTION; Schema: trigger; Owner: -

CREATE FUNCTION trigger.lock_target(p_target bigint) RETURNS void
    LANGUAGE plpgsql
    AS $$
begin
    if p_target > 0 then
        perform from trigger.task t where t.task_id = p_target for no key update;
    else
        perform from trigger.plan p where p.plan_id = -p_target for no key update;
    end if;
end $$;

-- Name: make_runs(bigint[], integer, timestamp with time zone); Type: FUNCTION; Schema: trigger; Owner: -

CREATE FUNCTION trigger.make_runs(p_execution_ids bigint[], p_step integer, p_now timestamp with time zone) RETURNS void
    LANGUAGE plpgsql
    AS $$
declare
    c_said constant text := 'the task does not declare the parameter resource_webhook_payload';
    v_failed bigint[];
begin
    with made as (
        insert into trigger.run
            (account_id, task_id, execution_id, command, task_name, environment_id, environment_name, project_id, project_name,
             dbt_version, run_reason, max_attempts, state, reason, message, created_at, due_at, finished_at, step, takes_payload,
             slots, parameters, timeout_seconds)
        select e.account_id, t.task_id, e.execution_id, t.command, t.name, t.environment_id, t.environment_name, t.project_id,
               t.project_name, t.dbt_version, e.run_reason, t.max_attempts,
               case when e.state = 'FAILED' then 'FAILED' else 'PENDING' end,
               case when e.state = 'FAILED' then e.reason else '' end,
               case when e.state = 'FAILED' then c_said else '' end,
               p_now, case when e.turn_at is not null then p_now end,
               e.finished_at,  -- null unless it was born FAILED
               case when e.plan_id is not null then p_step end,
               (e.plan_id is null or p_step = 1) and e.payload_bytes > 0
                   and t.parameters @> '[{"name": "resource_webhook_payload"}]',
               t.slots,
               (select coalesce(jsonb_object_agg(
                           p ->> 'name',
                           coalesce(case when e.plan_id is null or p_step = 1 then e.parameters ->> (p ->> 'name') end,
                                    p ->> 'default_value')), '{}')
                  from jsonb_array_elements(t.parameters) p where p ->> 'name' <> 'resource_webhook_payload'),
               t.timeout_seconds
          from unnest(p_execution_ids) i
          join trigger.execution e on e.execution_id = i
          join trigger.task t on t.task_id = any(trigger.tasks_of(e.task_id, e.plan, p_step))
         order by e.execution_id, t.task_id
        returning run_id, state
    )
    select array_agg(m.run_id) into v_failed from made m where m.state = 'FAILED';
    if v_failed is not null then
        perform trigger.tell_end(v_failed, true);
    end if;
end $$;

-- Name: pause_target(bigint, bigint, boolean, timestamp with time zone); Type: FUNCTION; Schema: trigger; Owner: -

CREATE FUNCTION trigger.pause_target(p_account_id bigint, p_target bigint, p_paused boolean, p_now timestamp with time zone DEFAULT NULL::timestamp with time zone) RETURNS boolean
    LANGUAGE plpgsql
    AS $$
declare
    v_ids bigint[];
begin
    perform trigger.lock_target(p_target);
    update trigger.task t set paused = p_paused where t.task_id = p_target and t.account_id = p_account_id;
    if not found then
        update trigger.plan p set paused = p_paused where p.plan_id = -p_target and p.account_id = p_account_id;
        if not found then
            return false;
        end if;
    end if;
    if not p_paused then
        perform trigger.give_turns(p_target, coalesce(p_now, clock_timestamp()));
        return true;
    end if;
    v_ids := array(select e.execution_id from trigger.execution e
                    where e.target = p_target and e.queued_at is not null and e.finished_at is null
                      and e.turn_at is not null and e.state = 'PENDING'
                    order by e.execution_id for no key update);
    v_ids := array(select r.execution_id
                     from (select k.execution_id, k.state, k.lease_id from trigger.run k
                            where k.execution_id = any(v_ids) order by k.run_id for no key update) r
                    group by r.execution_id having bool_and(r.state = 'PENDING' and r.lease_id is null));
    update trigger.run r set due_at = null where r.execution_id = any(v_ids);
    update trigger.execution e set turn_at = null where e.execution_id = any(v_ids);
    return true;
end $$;

-- Name: plan_as_it_is(bigint); Type: FUNCTION; Schema: trigger; Owner: -

CREATE FUNCTION trigger.plan_as_it_is(p_plan_id bigint) RETURNS jsonb
    LANGUAGE sql STABLE
    AS $$
    select jsonb_build_object(
               'steps', (select jsonb_agg(s.tasks order by s.step)
                           from (select t.step, jsonb_agg(t.task_id order by t.task_id) as tasks
                                   from trigger.plan_step_task t where t.plan_id = p.plan_id group by t.step) s),
               'failure_handler_task_id', p.failure_handler_task_id,
               'timeout_seconds', p.timeout_seconds)
      from trigger.plan p where p.plan_id = p_plan_id
$$;

-- Name: queue_is_full(bigint, bigint); Type: FUNCTION; Schema: trigger; Owner: -

CREATE FUNCTION trigger.queue_is_full(p_task_id bigint, p_plan_id bigint) RETURNS boolean
    LANGUAGE plpgsql STABLE
    AS $$
declare
    v_limit integer;
    v_count text;
begin
    if p_plan_id is null then
        select t.queue_limit, t.queue_count into v_limit, v_count
          from trigger.task t where t.task_id = p_task_id and t.queue_mode = 'reject';
    else
        select p.queue_limit, p.queue_count into v_limit, v_count
          from trigger.plan p where p.plan_id = p_plan_id and p.queue_mode = 'reject';
    end if;
    return v_limit is not null and trigger.room(coalesce(p_task_id, -p_plan_id), v_limit, v_count, clock_timestamp()) <= 0;
end $$;

-- Name: receive_calls(uuid, bigint[], integer[], integer[], text[], text[], bytea[], integer[], text[], bytea[], bigint[], bigint[], text[], boolean, timestamp with time zone); Type: FUNCTION; Schema: trigger; Owner: -

CREATE FUNCTION trigger.receive_calls(p_group_id uuid, p_trigger_ids bigint[], p_firsts integer[], p_counts integer[], p_call_ids text[], p_media_types text[], p_bodies bytea[], p_sizes integer[], p_data_modes text[], p_dedupe_keys bytea[], p_pausing bigint[], p_rejecting bigint[], p_execution_ids text[], p_patient boolean, p_now timestamp with time zone DEFAULT NULL::timestamp with time zone) RETURNS TABLE(what text, trigger_id bigint, window_id bigint, public_trigger_id text, execution_id text, reason text, size integer, seconds double precision, place integer, call_id text)
    LANGUAGE sql
    AS $$
    select case r.what when 'FAILED' then 'CLOSED' else r.what end, r.trigger_id, r.window_id, r.public_trigger_id, r.execution_id,
           r.reason, r.size, r.seconds, r.place, r.call_id
      from trigger.receive_calls(p_group_id, p_trigger_ids, p_firsts, p_counts, null, p_call_ids, p_media_types, p_bodies, p_sizes,
                                 p_data_modes, p_dedupe_keys, p_pausing, p_rejecting, p_execution_ids, p_patient, p_now) r
$$;

-- Name: receive_calls(uuid, bigint[], integer[], integer[], bigint[], text[], text[], bytea[], integer[], text[], bytea[], bigint[], bigint[], text[], boolean, timestamp with time zone); Type: FUNCTION; Schema: trigger; Owner: -

CREATE FUNCTION trigger.receive_calls(p_group_id uuid, p_trigger_ids bigint[], p_firsts integer[], p_counts integer[], p_generations bigint[], p_call_ids text[], p_media_types text[], p_bodies bytea[], p_sizes integer[], p_data_modes text[], p_dedupe_keys bytea[], p_pausing bigint[], p_rejecting bigint[], p_execution_ids text[], p_patient boolean, p_now timestamp with time zone DEFAULT NULL::timestamp with time zone) RETURNS TABLE(what text, trigger_id bigint, window_id bigint, public_trigger_id text, execution_id text, reason text, size integer, seconds double precision, place integer, call_id text)
    LANGUAGE plpgsql
    AS $$
#variable_conflict use_column
declare
    v_locked bigint[];
    v_taken bigint[] := '{}';
    v_gone bigint[] := '{}';
    v_ended bigint[] := '{}';
    v_paused bigint[] := '{}';
    v_heads trigger.head[] := '{}';     -- as they are after this flush
    v_opened trigger.window[] := '{}';  -- opened by this flush, some of them closed by it too
    v_closed trigger.window[] := '{}';  -- closed by this flush
    v_known integer := 0;               -- how many of v_closed were opened before
    v_going integer := 0;               -- how many of v_closed have their execution
    v_count integer := 0;               -- how many calls the taken triggers have
    v_left_out integer[] := '{}';       -- places of those of them that are not in
    v_repeated text[] := '{}';          -- beside each: the call that it repeats; null: it is refused
    -- Of each call whose key came before: 0, or the place of that call if it is of this flush; and its id. Null without keys.
    v_before integer[];
    v_before_ids text[];
    -- Of each call: trigger, account, place in its order, window, time; null where it is not taken. The loop below decides,
    -- then one statement per table writes. Filled up front: an array that grows from its middle would begin there.
    v_triggers bigint[] := array_fill(null::bigint, array[cardinality(p_call_ids)]);
    v_accounts bigint[] := v_triggers;
    v_seqs bigint[] := v_triggers;
    v_windows bigint[] := v_triggers;
    v_times timestamptz[] := array_fill(null::timestamptz, array[cardinality(p_call_ids)]);
    r record;
    h trigger.head;
    w trigger.window;
    t timestamptz;
    v_why text;
    v_last integer;
    v_rejecting boolean;
    v_full boolean;
    k integer := 1;
begin
    perform set_config('lock_timeout', '250ms', true);  -- what others wait for us, at most
    if p_patient then
        v_locked := array(select d.trigger_id from trigger.head d where d.trigger_id = any(p_trigger_ids)
                           order by d.trigger_id for no key update);
    else
        v_locked := array(select d.trigger_id from trigger.head d where d.trigger_id = any(p_trigger_ids)
                           order by d.trigger_id for no key update skip locked);
    end if;
    if cardinality(v_locked) < cardinality(p_trigger_ids) then
        v_gone := array(select i from unnest(p_trigger_ids) i
                         where not exists (select from trigger.head d where d.trigger_id = i));
    end if;
    if p_pausing <> '{}' then
        v_paused := array(
            select g.trigger_id
              from trigger.trigger g
              left join trigger.task y on y.task_id = g.task_id
              left join trigger.plan l on l.plan_id = g.plan_id
             where g.trigger_id = any(p_pausing) and g.trigger_id = any(v_locked) and coalesce(y.paused, l.paused));
    end if;
    if p_dedupe_keys is not null then
        -- Under the heads' locks, and by a snapshot from after them: whoever took the same key has committed or will see this.
        v_before := array_fill(null::integer, array[cardinality(p_call_ids)]);
        v_before_ids := array_fill(null::text, array[cardinality(p_call_ids)]);
        for r in
            select x.place, case when d.call_id is null then x.first else 0 end as before, d.call_id
              from (select u.trigger_id, u.first + c.nth::integer - 1 as place, c.dedupe_key,
                           min(u.first + c.nth::integer - 1) over (partition by u.trigger_id, c.dedupe_key) as first
                      from unnest(p_trigger_ids, p_firsts, p_counts) as u (trigger_id, first, count)
                     cross join unnest(p_dedupe_keys[u.first : u.first + u.count - 1]) with ordinality as c (dedupe_key, nth)
                     where c.dedupe_key is not null and u.trigger_id = any(v_locked)) x
              left join lateral (
                   select y.call_id from trigger.call_dedupe y
                    where y.trigger_id = x.trigger_id and y.dedupe_key = x.dedupe_key
                      and y.received_at > coalesce(p_now, clock_timestamp()) - interval '7 days'
                    limit 1) d on true
             where d.call_id is not null or x.first < x.place
        loop
            v_before[r.place] := r.before;
            v_before_ids[r.place] := r.call_id;
        end loop;
    end if;

    for h in select d.* from trigger.head d where d.trigger_id = any(v_locked) order by d.trigger_id loop
        while p_trigger_ids[k] < h.trigger_id loop
            k := k + 1;
        end loop;
        v_last := p_firsts[k] + p_counts[k] - 1;
        t := coalesce(p_now, clock_timestamp());  -- after the lock: a time from before it may lie before the window's opening
        if not h.enabled then
            v_gone := v_gone || h.trigger_id;
            continue;
        end if;
        if p_generations[k] < h.oldest_generation
                or (p_generations[k] = h.oldest_generation and h.oldest_until <= t) then
            v_ended := v_ended || h.trigger_id;
            continue;
        end if;
        continue when h.trigger_id = any(v_paused);
        w := null;
        v_rejecting := h.trigger_id = any(p_rejecting);
        v_full := false;
        if h.window_id is not null then
            w.window_id := h.window_id;
            w.first_seq := h.next_seq - h.window_count;
            w.deadline_at := h.deadline_at;
        end if;
        for i in p_firsts[k] .. v_last + 1 loop
            if v_before is not null and i <= v_last and v_before[i] is not null then
                v_left_out := v_left_out || i;
                v_repeated := v_repeated || case
                    when v_before[i] = 0 then v_before_ids[i]
                    when v_seqs[v_before[i]] is not null then p_call_ids[v_before[i]] end;
                continue;
            end if;
            v_why := case
                when h.window_id is null then null
                when h.window_count = h.window_threshold then 'threshold'
                when h.deadline_at <= t then 'deadline'
                when i <= v_last and h.window_bytes + p_sizes[i] > h.max_bytes then 'bytes' end;
            if v_why is not null then
                w.trigger_id := h.trigger_id;
                w.account_id := h.account_id;
                w.state := 'CLOSED';
                w.size := h.window_count;
                w.bytes := h.window_bytes;
                w.closed_at := t;
                w.close_reason := v_why;
                v_closed := v_closed || w;
                if w.opened_at is null then
                    v_known := v_known + 1;
                else
                    v_opened := v_opened || w;
                end if;
                h.window_id := null;
            end if;
            exit when i > v_last;
            if h.window_id is null then
                if p_sizes[i] >= h.max_bytes then
                    raise string_data_right_truncation using message = 'a call is larger than its window may be';
                end if;
                if v_rejecting and not v_full then
                    -- What this flush closed counts too.
                    if cardinality(v_closed) > v_going then
                        return query
                        select s.what, s.trigger_id, s.window_id, s.public_trigger_id, s.execution_id, s.reason, s.size,
                               s.seconds, null::integer, null::text
                          from trigger.set_going(v_closed[v_going + 1 :], p_execution_ids[v_going + 1 :]) s;
                        v_going := cardinality(v_closed);
                    end if;
                    select trigger.queue_is_full(g.task_id, g.plan_id) into strict v_full
                      from trigger.trigger g where g.trigger_id = h.trigger_id;
                end if;
                if v_full then
                    v_left_out := v_left_out || i;
                    v_repeated := v_repeated || null::text;
                    continue;
                end if;
                h.window_id := nextval('trigger.window_id');
                h.window_threshold := h.threshold;
                h.window_count := 0;
                h.window_bytes := 1;
                h.opened_at := t;
                h.deadline_at := t + make_interval(secs => h.duration_seconds);
                w := (h.window_id, h.trigger_id, h.account_id, 'OPEN', h.threshold, h.next_seq, t, h.deadline_at,
                      null, null, null, null);
            end if;
            v_triggers[i] := h.trigger_id;
            v_accounts[i] := h.account_id;
            v_seqs[i] := h.next_seq;
            v_windows[i] := h.window_id;
            v_times[i] := t;
            h.next_seq := h.next_seq + 1;
            h.window_count := h.window_count + 1;
            h.window_bytes := h.window_bytes + p_sizes[i];
        end loop;
        if h.window_id is null then
            h.window_threshold := null;
            h.window_count := null;
            h.window_bytes := null;
            h.opened_at := null;
            h.deadline_at := null;
        elsif w.opened_at is not null then
            v_opened := v_opened || w;
        end if;
        v_heads := v_heads || h;
        v_taken := v_taken || h.trigger_id;
        v_count := v_count + p_counts[k];
    end loop;

    if v_known > 0 then
        update trigger.window d
           set state = c.state, size = c.size, bytes = c.bytes, closed_at = c.closed_at, close_reason = c.close_reason
          from unnest(v_closed) c
         where d.window_id = c.window_id and d.state = 'OPEN';
        get diagnostics k = row_count;
        if k <> v_known then
            raise exception '% of % windows were not open', v_known - k, v_known;
        end if;
    end if;
    insert into trigger.window
        (window_id, trigger_id, account_id, state, threshold, first_seq, opened_at, deadline_at, size, bytes, closed_at,
         close_reason)
    select o.window_id, o.trigger_id, o.account_id, o.state, o.threshold, o.first_seq, o.opened_at, o.deadline_at, o.size,
           o.bytes, o.closed_at, o.close_reason
      from unnest(v_opened) o;
    v_count := v_count - cardinality(v_left_out);
    if v_count > 0 or v_closed <> '{}' then
        insert into trigger.call
            (received_day, trigger_id, seq, window_id, account_id, call_id, media_type, data_mode, body, received_at)
        select (c.at at time zone 'UTC')::date, c.trigger_id, c.seq, c.window_id, c.account_id, c.call_id, c.media_type,
               c.data_mode, c.body, c.at
          from unnest(v_triggers, v_accounts, v_seqs, v_windows, v_times, p_call_ids, p_media_types, p_data_modes, p_bodies)
               as c (trigger_id, account_id, seq, window_id, at, call_id, media_type, data_mode, body)
         where c.trigger_id is not null;
        get diagnostics k = row_count;
        if k <> v_count then
            raise exception '% of % calls were stored', k, v_count;
        end if;
        if p_dedupe_keys is not null then
            -- A key is there already when it is past the time that it counts for.
            insert into trigger.call_dedupe (trigger_id, dedupe_key, call_id, received_at)
            select c.trigger_id, c.dedupe_key, c.call_id, c.at
              from unnest(v_triggers, p_dedupe_keys, p_call_ids, v_times) as c (trigger_id, dedupe_key, call_id, at)
             where c.trigger_id is not null and c.dedupe_key is not null
                on conflict (trigger_id, dedupe_key) do update
               set call_id = excluded.call_id, received_at = excluded.received_at;
        end if;
        update trigger.head d
           set next_seq = n.next_seq, window_id = n.window_id, window_threshold = n.window_threshold,
               window_count = n.window_count, window_bytes = n.window_bytes, opened_at = n.opened_at,
               deadline_at = n.deadline_at
          from unnest(v_heads) n
         where d.trigger_id = n.trigger_id;
        insert into trigger.ingest_group (group_id, taken, left_out, committed_at)
        values (p_group_id, v_taken, nullif(v_left_out, '{}'), coalesce(p_now, clock_timestamp()));
    end if;

    if cardinality(v_closed) > v_going then
        return query
        select s.what, s.trigger_id, s.window_id, s.public_trigger_id, s.execution_id, s.reason, s.size, s.seconds,
               null::integer, null::text
          from trigger.set_going(v_closed[v_going + 1 :], p_execution_ids[v_going + 1 :]) s;
    end if;
    return query
    select u.what, u.trigger_id, null::bigint, null, null, null, null::integer, null::double precision, null::integer, null
      from (select 'TAKEN', i from unnest(v_taken) i
            union all select 'GONE', i from unnest(v_gone) i
            union all select 'ENDED', i from unnest(v_ended) i
            union all select 'PAUSED', i from unnest(v_paused) i) u (what, trigger_id);
    return query
    select 'OPENED', o.trigger_id, o.window_id, null, null, null, null::integer,
           extract(epoch from o.deadline_at - o.opened_at)::double precision, null::integer, null
      from unnest(v_opened) o where o.state = 'OPEN';
    if v_left_out <> '{}' then
        return query
        select case when l.call_id is null then 'REFUSED' else 'DUPLICATE' end, null::bigint, null::bigint, null, null,
               case when l.call_id is null then 'queue_limit' end, null::integer, null::double precision, l.place, l.call_id
          from unnest(v_left_out, v_repeated) as l (place, call_id);
    end if;
end $$;

-- Name: rerun_execution(text, bigint, text, boolean, timestamp with time zone); Type: FUNCTION; Schema: trigger; Owner: -

CREATE FUNCTION trigger.rerun_execution(p_public_id text, p_account_id bigint, p_execution_id text, p_from_failed_step boolean, p_now timestamp with time zone DEFAULT NULL::timestamp with time zone) RETURNS TABLE(answer text, execution_id text, state text)
    LANGUAGE plpgsql
    AS $$
#variable_conflict use_column
declare
    o trigger.execution;
    t timestamptz;
    c record;
begin
    select x.* into o from trigger.execution x where x.public_id = p_execution_id and x.account_id = p_account_id;
    if not found then
        return query select 'NOT_FOUND', null, null;
        return;
    end if;
    perform trigger.lock_target(o.target);
    select x.* into o from trigger.execution x where x.execution_id = o.execution_id;
    select g.* into c from trigger.target_rules(o.target) g;
    t := coalesce(p_now, clock_timestamp());
    if c is null or o.finished_at is null or (p_from_failed_step and o.failed_step is null) then
        return query select case when o.finished_at is null then 'NOT_FINISHED' when c is null then 'TARGET_MISSING'
                                 else 'NO_FAILED_STEP' end, null, null;
        return;
    end if;
    if c.queue_mode = 'reject' and trigger.room(o.target, c.queue_limit, c.queue_count, t) <= 0 then
        return query select 'QUEUE_FULL', null, null;
        return;
    end if;
    return query
    select 'STARTED', e.public_id, e.state
      from trigger.enqueue(array[(
               p_public_id, o.account_id, o.task_id, o.plan_id, o.trigger_id, null, o.call_count, 'rerun',
               'Rerun of ' || o.public_id, t, case when o.payload_bytes > 0 then coalesce(o.payload_of, o.execution_id) end,
               o.payload_bytes, o.execution_id, o.parameters, null, null,
               case when p_from_failed_step then o.failed_step else 1 end,
               case when p_from_failed_step then o.plan else trigger.plan_as_it_is(o.plan_id) end)::trigger.wish], t) e;
end $$;

-- Name: room(bigint, integer, text, timestamp with time zone); Type: FUNCTION; Schema: trigger; Owner: -

CREATE FUNCTION trigger.room(p_target bigint, p_limit integer, p_count text, p_now timestamp with time zone) RETURNS integer
    LANGUAGE plpgsql STABLE
    AS $$
declare
    v_since timestamptz := p_now - interval '60 minutes';
    v_queued integer;
begin
    if p_count = 'rolling' then
        select count(*) into v_queued
          from (select from trigger.execution e
                 where e.target = p_target and e.queued_at > v_since and e.queued_at is not null limit p_limit) q;
    else
        select count(*) into v_queued
          from (select from trigger.execution e
                 where e.target = p_target and e.queued_at > v_since and e.queued_at is not null and e.finished_at is null
                 limit p_limit) q;
    end if;
    return p_limit - v_queued;
end $$;

-- Name: window; Type: TABLE; Schema: trigger; Owner: -

CREATE TABLE trigger."window" (
    window_id bigint NOT NULL,
    trigger_id bigint NOT NULL,
    account_id bigint NOT NULL,
    state text NOT NULL,
    threshold integer NOT NULL,
    first_seq bigint NOT NULL,
    opened_at timestamp with time zone NOT NULL,
    deadline_at timestamp with time zone NOT NULL,
    size integer,
    bytes integer,
    closed_at timestamp with time zone,
    close_reason text,
    CONSTRAINT window_bytes_check CHECK (((bytes >= 2) AND (bytes <= 8388608))),
    CONSTRAINT window_check CHECK ((num_nulls(size, bytes, closed_at, close_reason) =
CASE state
    WHEN 'OPEN'::text THEN 4
    ELSE 0
END)),
    CONSTRAINT window_check1 CHECK (((size >= 1) AND (size <= threshold))),
    CONSTRAINT window_check2 CHECK (((close_reason <> 'threshold'::text) OR (size = threshold))),
    CONSTRAINT window_check3 CHECK (((close_reason <> 'deadline'::text) OR ((closed_at >= deadline_at) AND (size < threshold)))),
    CONSTRAINT window_close_reason_check CHECK ((close_reason = ANY (ARRAY['threshold'::text, 'deadline'::text, 'bytes'::text, 'disabled'::text, 'flush'::text]))),
    CONSTRAINT window_state_check CHECK ((state = ANY (ARRAY['OPEN'::text, 'CLOSED'::text])))
)
WITH (autovacuum_vacuum_scale_factor='0', autovacuum_vacuum_threshold='5000', autovacuum_vacuum_cost_delay='0');

-- Name: set_going(trigger."window"[], text[]); Type: FUNCTION; Schema: trigger; Owner: -

CREATE FUNCTION trigger.set_going(p_closed trigger."window"[], p_execution_ids text[]) RETURNS TABLE(what text, trigger_id bigint, window_id bigint, public_trigger_id text, execution_id text, reason text, size integer, seconds double precision)
    LANGUAGE plpgsql
    AS $$
#variable_conflict use_column
declare
    v_wishes trigger.wish[];
    v_now timestamptz;
begin
    perform from trigger.plan p
      where p.plan_id in (
          select g.plan_id from unnest(p_closed) w join trigger.trigger g on g.trigger_id = w.trigger_id)
      order by p.plan_id
        for no key update;
    perform from trigger.task t
      where t.task_id in (
          select g.task_id from unnest(p_closed) w join trigger.trigger g on g.trigger_id = w.trigger_id)
      order by t.task_id
        for no key update;
    v_wishes := array(
        select (p_execution_ids[row_number() over (order by w.window_id)], w.account_id, g.task_id, g.plan_id, w.trigger_id,
                w.window_id, w.size, 'webhook', 'Triggered by webhook ' || g.name, w.closed_at, null, w.bytes,
                null, null, null, null, 1, trigger.plan_as_it_is(g.plan_id))::trigger.wish
          from unnest(p_closed) w join trigger.trigger g on g.trigger_id = w.trigger_id
         order by w.window_id);
    select max(w.closed_at) into v_now from unnest(p_closed) w;
    return query
    select case e.state when 'FAILED' then 'FAILED' else 'CLOSED' end, w.trigger_id, w.window_id, g.public_id, e.public_id,
           w.close_reason, w.size, extract(epoch from w.closed_at - w.deadline_at)::double precision
      from trigger.enqueue(v_wishes, v_now) e
      join unnest(p_closed) w on w.window_id = e.window_id
      join trigger.trigger g on g.trigger_id = w.trigger_id
     order by w.window_id;
end $$;

-- Name: start_execution(text, bigint, bigint, bigint, text, bigint, text, jsonb, bytea, text, bytea, timestamp with time zone); Type: FUNCTION; Schema: trigger; Owner: -

CREATE FUNCTION trigger.start_execution(p_public_id text, p_account_id bigint, p_task_id bigint, p_plan_id bigint, p_cause text, p_trigger_id bigint DEFAULT NULL::bigint, p_run_reason text DEFAULT NULL::text, p_parameters jsonb DEFAULT NULL::jsonb, p_payload bytea DEFAULT NULL::bytea, p_request_id text DEFAULT NULL::text, p_request_hash bytea DEFAULT NULL::bytea, p_now timestamp with time zone DEFAULT NULL::timestamp with time zone) RETURNS TABLE(answer text, execution_id text, state text)
    LANGUAGE plpgsql
    AS $$
#variable_conflict use_column
declare
    v_target bigint := coalesce(p_task_id, -p_plan_id);
    v_name text;
    t timestamptz;
    c record;
    e trigger.execution;
begin
    perform trigger.lock_target(v_target);
    t := coalesce(p_now, clock_timestamp());
    if p_request_id is not null then
        select x.* into e from trigger.execution x where x.account_id = p_account_id and x.request_id = p_request_id;
        if found then
            return query select case when e.request_hash is not distinct from p_request_hash then 'REPEATED'
                                     else 'REQUEST_ID_TAKEN' end, e.public_id, e.state;
            return;
        end if;
    end if;
    if not exists (select from trigger.task k where k.task_id = p_task_id and k.account_id = p_account_id)
       and not exists (select from trigger.plan k where k.plan_id = p_plan_id and k.account_id = p_account_id) then
        return query select 'TARGET_MISSING', null, null;
        return;
    end if;
    select g.* into c from trigger.target_rules(v_target) g;
    if p_cause = 'manual' and c.queue_mode = 'reject' and trigger.room(v_target, c.queue_limit, c.queue_count, t) <= 0 then
        return query select 'QUEUE_FULL', null, null;
        return;
    end if;
    select g.name into v_name from trigger.trigger g where g.trigger_id = p_trigger_id;
    begin
        select x.* into e
          from trigger.enqueue(array[(
                   p_public_id, p_account_id, p_task_id, p_plan_id, p_trigger_id, null, 0, p_cause,
                   coalesce(p_run_reason, case p_cause when 'manual' then 'Started by hand'
                                                       else 'Triggered by schedule ' || coalesce(v_name, '') end),
                   t, null, coalesce(octet_length(p_payload), 0), null, p_parameters, p_request_id, p_request_hash, 1,
                   trigger.plan_as_it_is(p_plan_id))::trigger.wish], t) x;
    exception when unique_violation then  -- at the same moment, of another target
        if not exists (
                select from trigger.execution x where x.account_id = p_account_id and x.request_id = p_request_id) then
            raise;
        end if;
        return query select 'REQUEST_ID_TAKEN', null, null;
        return;
    end;
    if p_payload is not null then
        insert into trigger.execution_payload (execution_id, payload, created_at) values (e.execution_id, p_payload, t);
    end if;
    return query select 'STARTED', e.public_id, e.state;
end $$;

-- Name: target_rules(bigint); Type: FUNCTION; Schema: trigger; Owner: -

CREATE FUNCTION trigger.target_rules(p_target bigint) RETURNS TABLE(queue_limit integer, queue_mode text, queue_count text, paused boolean, allow_parallel_runs boolean)
    LANGUAGE sql STABLE
    AS $$
    select t.queue_limit, t.queue_mode, t.queue_count, t.paused, t.allow_parallel_runs
      from trigger.task t where t.task_id = p_target
    union all
    select p.queue_limit, p.queue_mode, p.queue_count, p.paused, p.allow_parallel_runs
      from trigger.plan p where p.plan_id = -p_target
$$;

-- Name: tasks_of(bigint, jsonb, integer); Type: FUNCTION; Schema: trigger; Owner: -

CREATE FUNCTION trigger.tasks_of(p_task_id bigint, p_plan jsonb, p_step integer) RETURNS bigint[]
    LANGUAGE sql IMMUTABLE
    AS $$
    select case
        when p_task_id is not null then array[p_task_id]
        when p_step = 0 then array_remove(array[(p_plan ->> 'failure_handler_task_id')::bigint], null)
        else array(select t::bigint from jsonb_array_elements_text(p_plan -> 'steps' -> (p_step - 1)) t) end
$$;

-- Name: tell_end(bigint[], boolean); Type: FUNCTION; Schema: trigger; Owner: -

CREATE FUNCTION trigger.tell_end(p_run_ids bigint[], p_completed boolean) RETURNS void
    LANGUAGE sql
    AS $$
    insert into trigger.outbox (run_id, event_type, event_at, run_state, message, started_at, finished_at)
    select r.run_id, n.event_type, r.finished_at, r.state, r.message, r.started_at, r.finished_at
      from trigger.run r
     cross join unnest(array['job.run.errored', 'job.run.completed']) with ordinality as n (event_type, place)
     where r.run_id = any(p_run_ids) and case n.place when 1 then r.state = 'FAILED' else p_completed end
     order by r.run_id, n.place
    on conflict (run_id, event_type) do nothing
$$;

-- Name: time_out_plan(bigint, timestamp with time zone); Type: FUNCTION; Schema: trigger; Owner: -

CREATE FUNCTION trigger.time_out_plan(p_execution_id bigint, p_now timestamp with time zone DEFAULT NULL::timestamp with time zone) RETURNS boolean
    LANGUAGE plpgsql
    AS $$
declare
    e trigger.execution;
    t timestamptz;
begin
    select x.* into e from trigger.execution x where x.execution_id = p_execution_id;
    perform trigger.lock_target(e.target);
    select x.* into e from trigger.execution x where x.execution_id = p_execution_id for no key update;
    t := coalesce(p_now, clock_timestamp());
    if e.finished_at is not null or e.deadline_at is null or e.deadline_at > t then
        return false;
    end if;
    update trigger.execution x
       set failed_step = coalesce(x.failed_step, x.step), deadline_at = null,
           failure = case when x.failed_step is null then 'timed_out' else x.failure end
     where x.execution_id = p_execution_id;
    perform trigger.end_runs(p_execution_id, 'FAILED', 'timed_out', 'the plan took longer than it may', t);
    perform trigger.advance_plan(p_execution_id, t);
    return true;
end $$;

-- Name: attempt; Type: TABLE; Schema: delivery; Owner: -

CREATE TABLE delivery.attempt (
    attempted_at timestamp with time zone NOT NULL,
    delivery_id bigint NOT NULL,
    id bigint NOT NULL,
    subscription_id bigint NOT NULL,
    number smallint NOT NULL,
    manual boolean DEFAULT false NOT NULL,
    outcome text NOT NULL,
    status_code smallint NOT NULL,
    error text NOT NULL,
    detail text NOT NULL,
    duration_us bigint NOT NULL,
    response_body bytea NOT NULL,
    response_headers bytea DEFAULT '\x'::bytea NOT NULL,
    custom_names text DEFAULT ''::text NOT NULL,
    phase text DEFAULT ''::text NOT NULL,
    resolve_us integer,
    connect_us integer,
    tls_us integer,
    CONSTRAINT attempt_number_check CHECK ((number > 0)),
    CONSTRAINT attempt_outcome_check CHECK ((outcome = ANY (ARRAY['succeeded'::text, 'retryable'::text]))),
    CONSTRAINT attempt_status_code_check CHECK ((status_code >= 0))
)
PARTITION BY RANGE (attempted_at);

-- Name: delivery; Type: TABLE; Schema: delivery; Owner: -

CREATE TABLE delivery.delivery (
    finished_at timestamp with time zone NOT NULL,
    id bigint NOT NULL,
    event_id text NOT NULL COLLATE pg_catalog."C",
    published_at timestamp with time zone NOT NULL,
    subscription_id bigint NOT NULL,
    account_id bigint NOT NULL,
    webhook_name text NOT NULL,
    attempts smallint NOT NULL,
    state text NOT NULL,
    reason text DEFAULT ''::text NOT NULL,
    test boolean DEFAULT false NOT NULL,
    CONSTRAINT delivery_state_check CHECK ((state = ANY (ARRAY['SUCCEEDED'::text, 'FAILED'::text, 'CANCELLED'::text])))
)
PARTITION BY RANGE (finished_at);

-- Name: delivery_id; Type: SEQUENCE; Schema: delivery; Owner: -

CREATE SEQUENCE delivery.delivery_id
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

-- Name: erasure; Type: TABLE; Schema: delivery; Owner: -

CREATE TABLE delivery.erasure (
    erasure_id bigint NOT NULL,
    account_id bigint NOT NULL,
    event_id text COLLATE pg_catalog."C",
    state text DEFAULT 'RUNNING'::text NOT NULL,
    published_until timestamp with time zone NOT NULL,
    erased bigint DEFAULT 0 NOT NULL,
    after_published_at timestamp with time zone,
    after_event_id text COLLATE pg_catalog."C",
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    finished_at timestamp with time zone,
    CONSTRAINT erasure_check CHECK (((finished_at IS NOT NULL) = (state <> 'RUNNING'::text))),
    CONSTRAINT erasure_state_check CHECK ((state = ANY (ARRAY['RUNNING'::text, 'FINISHED'::text])))
);

-- Name: erasure_erasure_id_seq; Type: SEQUENCE; Schema: delivery; Owner: -

ALTER TABLE delivery.erasure ALTER COLUMN erasure_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME delivery.erasure_erasure_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- Name: event; Type: TABLE; Schema: delivery; Owner: -

CREATE TABLE delivery.event (
    published_at timestamp with time zone NOT NULL,
    event_id text NOT NULL COLLATE pg_catalog."C",
    account_id bigint NOT NULL,
    event_type text NOT NULL COLLATE pg_catalog."C",
    job_id bigint NOT NULL,
    event_time_ns bigint NOT NULL,
    data bytea NOT NULL,
    traceparent text COLLATE pg_catalog."C",
    erased_at timestamp with time zone
)
PARTITION BY RANGE (published_at);
ALTER TABLE ONLY delivery.event ALTER COLUMN data SET STORAGE EXTERNAL;

-- Name: lane; Type: TABLE; Schema: delivery; Owner: -

CREATE TABLE delivery.lane (
    subscription_id bigint NOT NULL,
    next_due_at timestamp with time zone,
    last_status_code smallint DEFAULT 0 NOT NULL,
    last_attempt_at timestamp with time zone,
    consecutive_failures integer DEFAULT 0 NOT NULL,
    failing_since timestamp with time zone,
    failed_attempts integer DEFAULT 0 NOT NULL,
    open_until timestamp with time zone,
    openings integer DEFAULT 0 NOT NULL,
    CONSTRAINT lane_check CHECK (((failing_since IS NULL) = (consecutive_failures = 0))),
    CONSTRAINT lane_consecutive_failures_check CHECK ((consecutive_failures >= 0)),
    CONSTRAINT lane_failed_attempts_check CHECK ((failed_attempts >= 0)),
    CONSTRAINT lane_openings_check CHECK ((openings >= 0))
)
WITH (fillfactor='50', autovacuum_vacuum_scale_factor='0', autovacuum_vacuum_threshold='5000');

-- Name: pod; Type: TABLE; Schema: delivery; Owner: -

CREATE TABLE delivery.pod (
    epoch bigint NOT NULL,
    name text NOT NULL,
    started_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    heartbeat_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    dead_at timestamp with time zone
)
WITH (fillfactor='50', autovacuum_vacuum_scale_factor='0', autovacuum_vacuum_threshold='1000');

-- Name: pod_epoch_seq; Type: SEQUENCE; Schema: delivery; Owner: -

ALTER TABLE delivery.pod ALTER COLUMN epoch ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME delivery.pod_epoch_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- Name: publish_request; Type: TABLE; Schema: delivery; Owner: -

CREATE TABLE delivery.publish_request (
    account_id bigint NOT NULL,
    request_id text NOT NULL COLLATE pg_catalog."C",
    body_hash bytea NOT NULL,
    event_id text NOT NULL COLLATE pg_catalog."C",
    published_at timestamp with time zone NOT NULL
);

-- Name: queue; Type: TABLE; Schema: delivery; Owner: -

CREATE TABLE delivery.queue (
    id bigint NOT NULL,
    event_id text NOT NULL COLLATE pg_catalog."C",
    published_at timestamp with time zone NOT NULL,
    subscription_id bigint NOT NULL,
    account_id bigint NOT NULL,
    webhook_name text NOT NULL,
    attempts smallint DEFAULT 0 NOT NULL,
    due_at timestamp with time zone NOT NULL,
    lease_id bigint,
    parked boolean DEFAULT false NOT NULL,
    redelivery smallint,
    CONSTRAINT queue_attempts_check CHECK ((attempts >= 0)),
    CONSTRAINT queue_check CHECK (((lease_id IS NULL) OR (NOT parked)))
)
WITH (autovacuum_vacuum_scale_factor='0', autovacuum_vacuum_threshold='20000', autovacuum_vacuum_cost_delay='0', autovacuum_vacuum_insert_threshold='-1', autovacuum_analyze_scale_factor='0', autovacuum_analyze_threshold='20000');

-- Name: recovery; Type: TABLE; Schema: delivery; Owner: -

CREATE TABLE delivery.recovery (
    recovery_id bigint NOT NULL,
    account_id bigint NOT NULL,
    subscription_id bigint NOT NULL,
    state text DEFAULT 'RUNNING'::text NOT NULL,
    published_since timestamp with time zone NOT NULL,
    published_until timestamp with time zone NOT NULL,
    event_type text COLLATE pg_catalog."C",
    found integer NOT NULL,
    requeued bigint DEFAULT 0 NOT NULL,
    after_published_at timestamp with time zone,
    after_id bigint,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    finished_at timestamp with time zone,
    job_id bigint,
    after_id_by_job bigint,
    CONSTRAINT recovery_check CHECK (((finished_at IS NOT NULL) = (state <> 'RUNNING'::text))),
    CONSTRAINT recovery_found_check CHECK ((found >= 0)),
    CONSTRAINT recovery_job_id_check CHECK ((job_id > 0)),
    CONSTRAINT recovery_of_a_job_is_moved_by_who_knows_of_jobs CHECK (((job_id IS NULL) OR (NOT (after_id_by_job IS DISTINCT FROM after_id)))),
    CONSTRAINT recovery_state_check CHECK ((state = ANY (ARRAY['RUNNING'::text, 'FINISHED'::text, 'CANCELLED'::text])))
);

-- Name: recovery_recovery_id_seq; Type: SEQUENCE; Schema: delivery; Owner: -

ALTER TABLE delivery.recovery ALTER COLUMN recovery_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME delivery.recovery_recovery_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- Name: partitioned_table; Type: TABLE; Schema: runhook; Owner: -

CREATE TABLE runhook.partitioned_table (
    parent text NOT NULL,
    retention_days integer NOT NULL,
    CONSTRAINT partitioned_table_parent_check CHECK ((parent ~ '^[a-z_]+\.[a-z0-9_]+$'::text)),
    CONSTRAINT partitioned_table_retention_days_check CHECK (((retention_days >= 1) AND (retention_days <= 3650)))
);

-- Name: schema_migration; Type: TABLE; Schema: runhook; Owner: -

CREATE TABLE runhook.schema_migration (
    version integer NOT NULL,
    name text NOT NULL,
    checksum text NOT NULL,
    applied_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT schema_migration_version_check CHECK ((version > 0))
);

-- Name: account; Type: TABLE; Schema: subscription; Owner: -

CREATE TABLE subscription.account (
    account_id bigint NOT NULL,
    public_id text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL,
    plan text DEFAULT 'enterprise'::text NOT NULL,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT account_account_id_check CHECK ((account_id > 0)),
    CONSTRAINT account_plan_check CHECK ((plan = ANY (ARRAY['enterprise'::text, 'team'::text]))),
    CONSTRAINT account_public_id_check CHECK ((public_id ~ '^act_[0-9A-Za-z]{27}$'::text))
);

-- Name: delivery_setting; Type: TABLE; Schema: subscription; Owner: -

CREATE TABLE subscription.delivery_setting (
    subscription_id bigint NOT NULL,
    retry_delays double precision[],
    retry_jitter double precision,
    concurrency integer,
    rate_per_second double precision,
    CONSTRAINT delivery_setting_concurrency_check CHECK (((concurrency >= 1) AND (concurrency <= 1000))),
    CONSTRAINT delivery_setting_rate_per_second_check CHECK (((rate_per_second > (0)::double precision) AND (rate_per_second <= (10000)::double precision))),
    CONSTRAINT delivery_setting_retry_delays_check CHECK ((cardinality(retry_delays) <= 20)),
    CONSTRAINT delivery_setting_retry_jitter_check CHECK (((retry_jitter >= (0)::double precision) AND (retry_jitter <= (1)::double precision)))
);

-- Name: interest; Type: TABLE; Schema: subscription; Owner: -

CREATE TABLE subscription.interest (
    account_id bigint NOT NULL,
    event_type text NOT NULL COLLATE pg_catalog."C",
    job_id bigint NOT NULL,
    subscription_id bigint NOT NULL
);

-- Name: secret_setting; Type: TABLE; Schema: subscription; Owner: -

CREATE TABLE subscription.secret_setting (
    subscription_id bigint NOT NULL,
    kind text NOT NULL COLLATE pg_catalog."C",
    sealed bytea NOT NULL,
    told jsonb,
    CONSTRAINT secret_setting_kind_check CHECK ((kind = ANY (ARRAY['custom_headers'::text, 'client_certificate'::text])))
);

-- Name: service_token; Type: TABLE; Schema: subscription; Owner: -

CREATE TABLE subscription.service_token (
    token_id bigint NOT NULL,
    account_id bigint NOT NULL,
    token_hash bytea NOT NULL,
    name text NOT NULL,
    permission_set text NOT NULL,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    expires_at timestamp with time zone,
    revoked_at timestamp with time zone,
    last_used_at timestamp with time zone,
    CONSTRAINT service_token_permission_set_check CHECK ((permission_set = ANY (ARRAY['account_admin'::text, 'admin'::text, 'developer'::text, 'member'::text, 'webhooks_only'::text, 'read_only'::text, 'publisher'::text, 'runner'::text]))),
    CONSTRAINT service_token_token_hash_check CHECK ((octet_length(token_hash) = 32))
);

-- Name: service_token_token_id_seq; Type: SEQUENCE; Schema: subscription; Owner: -

ALTER TABLE subscription.service_token ALTER COLUMN token_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME subscription.service_token_token_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- Name: signing_secret; Type: TABLE; Schema: subscription; Owner: -

CREATE TABLE subscription.signing_secret (
    id bigint NOT NULL,
    subscription_id bigint NOT NULL,
    sealed bytea NOT NULL,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    expires_at timestamp with time zone
);

-- Name: signing_secret_id_seq; Type: SEQUENCE; Schema: subscription; Owner: -

ALTER TABLE subscription.signing_secret ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME subscription.signing_secret_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- Name: subscription; Type: TABLE; Schema: subscription; Owner: -

CREATE TABLE subscription.subscription (
    id bigint NOT NULL,
    public_id text NOT NULL COLLATE pg_catalog."C",
    account_id bigint NOT NULL,
    name text NOT NULL,
    description text NOT NULL,
    job_ids bigint[] NOT NULL,
    event_types text[] NOT NULL,
    client_url text NOT NULL,
    active boolean NOT NULL,
    deactivate_reason text,
    version bigint DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    updated_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    deleted_at timestamp with time zone,
    CONSTRAINT subscription_check CHECK (((deactivate_reason IS NULL) OR (NOT active))),
    CONSTRAINT subscription_event_types_check CHECK ((cardinality(event_types) > 0)),
    CONSTRAINT subscription_name_check CHECK ((name <> ''::text)),
    CONSTRAINT subscription_public_id_check CHECK ((public_id ~ '^wsu_[0-9A-Za-z]{27}$'::text))
);

-- Name: subscription_id_seq; Type: SEQUENCE; Schema: subscription; Owner: -

ALTER TABLE subscription.subscription ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME subscription.subscription_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- Name: artifact; Type: TABLE; Schema: trigger; Owner: -

CREATE TABLE trigger.artifact (
    run_id bigint NOT NULL,
    name text NOT NULL COLLATE pg_catalog."C",
    account_id bigint NOT NULL,
    finished_day date NOT NULL,
    size_bytes integer NOT NULL,
    chunk_count integer NOT NULL,
    stored_at timestamp with time zone NOT NULL,
    CONSTRAINT artifact_chunk_count_check CHECK ((chunk_count >= 0)),
    CONSTRAINT artifact_name_check CHECK ((name ~ '^[A-Za-z0-9_-][A-Za-z0-9._-]{0,254}$'::text)),
    CONSTRAINT artifact_size_bytes_check CHECK (((size_bytes >= 0) AND (size_bytes <= 16777216)))
);

-- Name: artifact_chunk; Type: TABLE; Schema: trigger; Owner: -

CREATE TABLE trigger.artifact_chunk (
    finished_day date NOT NULL,
    run_id bigint NOT NULL,
    name text NOT NULL COLLATE pg_catalog."C",
    chunk_number integer NOT NULL,
    chunk bytea NOT NULL,
    CONSTRAINT artifact_chunk_chunk_check CHECK ((octet_length(chunk) <= 262144))
)
PARTITION BY RANGE (finished_day);

-- Name: audit; Type: TABLE; Schema: trigger; Owner: -

CREATE TABLE trigger.audit (
    audit_id bigint NOT NULL,
    account_id bigint NOT NULL,
    trigger_id bigint NOT NULL,
    public_trigger_id text NOT NULL,
    what text NOT NULL,
    token_id bigint,
    happened_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT audit_what_check CHECK ((what = ANY (ARRAY['token_revealed'::text, 'token_regenerated'::text, 'window_discarded'::text, 'trigger_deleted'::text])))
);

-- Name: audit_audit_id_seq; Type: SEQUENCE; Schema: trigger; Owner: -

ALTER TABLE trigger.audit ALTER COLUMN audit_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME trigger.audit_audit_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- Name: call; Type: TABLE; Schema: trigger; Owner: -

CREATE TABLE trigger.call (
    received_day date NOT NULL,
    trigger_id bigint NOT NULL,
    seq bigint NOT NULL,
    window_id bigint NOT NULL,
    account_id bigint NOT NULL,
    call_id text NOT NULL COLLATE pg_catalog."C",
    media_type text NOT NULL,
    body bytea NOT NULL,
    received_at timestamp with time zone NOT NULL,
    data_mode text,
    CONSTRAINT call_data_mode CHECK ((data_mode = ANY (ARRAY['object'::text, 'talend_raw'::text])))
)
PARTITION BY RANGE (received_day);
ALTER TABLE ONLY trigger.call ALTER COLUMN body SET STORAGE EXTERNAL;

-- Name: call_dedupe; Type: TABLE; Schema: trigger; Owner: -

CREATE TABLE trigger.call_dedupe (
    trigger_id bigint NOT NULL,
    dedupe_key bytea NOT NULL,
    call_id text NOT NULL COLLATE pg_catalog."C",
    received_at timestamp with time zone NOT NULL,
    CONSTRAINT call_dedupe_dedupe_key_check CHECK ((octet_length(dedupe_key) = 32))
);

-- Name: execution_execution_id_seq; Type: SEQUENCE; Schema: trigger; Owner: -

ALTER TABLE trigger.execution ALTER COLUMN execution_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME trigger.execution_execution_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- Name: execution_payload; Type: TABLE; Schema: trigger; Owner: -

CREATE TABLE trigger.execution_payload (
    execution_id bigint NOT NULL,
    payload bytea NOT NULL,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT execution_payload_payload_check CHECK (((octet_length(payload) >= 1) AND (octet_length(payload) <= 8388608)))
);
ALTER TABLE ONLY trigger.execution_payload ALTER COLUMN payload SET STORAGE EXTERNAL;

-- Name: head; Type: TABLE; Schema: trigger; Owner: -

CREATE TABLE trigger.head (
    trigger_id bigint NOT NULL,
    account_id bigint NOT NULL,
    enabled boolean DEFAULT true NOT NULL,
    threshold integer NOT NULL,
    duration_seconds integer NOT NULL,
    max_bytes integer NOT NULL,
    next_seq bigint DEFAULT 1 NOT NULL,
    window_id bigint,
    window_threshold integer,
    window_count integer,
    window_bytes integer,
    opened_at timestamp with time zone,
    deadline_at timestamp with time zone,
    oldest_generation bigint DEFAULT 0 NOT NULL,
    oldest_until timestamp with time zone,
    CONSTRAINT head_check CHECK ((num_nulls(window_id, window_threshold, window_count, window_bytes, opened_at, deadline_at) = ANY (ARRAY[0, 6]))),
    CONSTRAINT head_check1 CHECK (((window_count >= 1) AND (window_count <= (window_threshold - 1)))),
    CONSTRAINT head_check2 CHECK ((window_bytes <= max_bytes)),
    CONSTRAINT head_duration_seconds_check CHECK (((duration_seconds >= 1) AND (duration_seconds <= 86400))),
    CONSTRAINT head_max_bytes_check CHECK (((max_bytes >= 1) AND (max_bytes <= 8388608))),
    CONSTRAINT head_threshold_check CHECK (((threshold >= 1) AND (threshold <= 10000)))
)
WITH (fillfactor='40', autovacuum_vacuum_scale_factor='0', autovacuum_vacuum_threshold='2000');

-- Name: ingest_group; Type: TABLE; Schema: trigger; Owner: -

CREATE TABLE trigger.ingest_group (
    group_id uuid NOT NULL,
    taken bigint[] NOT NULL,
    committed_at timestamp with time zone NOT NULL,
    left_out integer[]
);

-- Name: lease_id; Type: SEQUENCE; Schema: trigger; Owner: -

CREATE SEQUENCE trigger.lease_id
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

-- Name: outbox; Type: TABLE; Schema: trigger; Owner: -

CREATE TABLE trigger.outbox (
    outbox_id bigint NOT NULL,
    run_id bigint NOT NULL,
    event_type text NOT NULL,
    event_at timestamp with time zone NOT NULL,
    run_state text NOT NULL,
    message text NOT NULL,
    started_at timestamp with time zone,
    finished_at timestamp with time zone,
    claimed_until timestamp with time zone,
    published_at timestamp with time zone,
    refusal text,
    execution_id bigint,
    CONSTRAINT outbox_check CHECK (((published_at IS NULL) OR (refusal IS NULL))),
    CONSTRAINT outbox_check1 CHECK (((finished_at IS NULL) = (event_type = 'job.run.started'::text))),
    CONSTRAINT outbox_event_type_check CHECK ((event_type = ANY (ARRAY['job.run.started'::text, 'job.run.completed'::text, 'job.run.errored'::text, 'execution.rejected'::text]))),
    CONSTRAINT outbox_run_state_check CHECK ((run_state = ANY (ARRAY['RUNNING'::text, 'SUCCEEDED'::text, 'FAILED'::text, 'CANCELLED'::text]))),
    CONSTRAINT outbox_subject CHECK (((execution_id IS NOT NULL) = (event_type = 'execution.rejected'::text)))
)
WITH (fillfactor='80', autovacuum_vacuum_scale_factor='0', autovacuum_vacuum_threshold='5000', autovacuum_vacuum_cost_delay='0');

-- Name: outbox_outbox_id_seq; Type: SEQUENCE; Schema: trigger; Owner: -

ALTER TABLE trigger.outbox ALTER COLUMN outbox_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME trigger.outbox_outbox_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- Name: plan; Type: TABLE; Schema: trigger; Owner: -

CREATE TABLE trigger.plan (
    plan_id bigint NOT NULL,
    account_id bigint NOT NULL,
    name text NOT NULL,
    failure_handler_task_id bigint,
    timeout_seconds integer NOT NULL,
    allow_parallel_runs boolean NOT NULL,
    queue_limit integer NOT NULL,
    queue_mode text NOT NULL,
    queue_count text NOT NULL,
    paused boolean DEFAULT false NOT NULL,
    version bigint DEFAULT 1 NOT NULL,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT plan_account_id_check CHECK ((account_id > 0)),
    CONSTRAINT plan_name_check CHECK ((name <> ''::text)),
    CONSTRAINT plan_queue_count_check CHECK ((queue_count = ANY (ARRAY['concurrent'::text, 'rolling'::text]))),
    CONSTRAINT plan_queue_limit_check CHECK (((queue_limit >= 1) AND (queue_limit <= 10000))),
    CONSTRAINT plan_queue_mode_check CHECK ((queue_mode = ANY (ARRAY['fail'::text, 'reject'::text, 'hold'::text]))),
    CONSTRAINT plan_timeout_seconds_check CHECK (((timeout_seconds >= 60) AND (timeout_seconds <= 86400)))
);

-- Name: plan_plan_id_seq; Type: SEQUENCE; Schema: trigger; Owner: -

ALTER TABLE trigger.plan ALTER COLUMN plan_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME trigger.plan_plan_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- Name: plan_step; Type: TABLE; Schema: trigger; Owner: -

CREATE TABLE trigger.plan_step (
    plan_id bigint NOT NULL,
    step integer NOT NULL,
    name text DEFAULT ''::text NOT NULL,
    CONSTRAINT plan_step_step_check CHECK ((step > 0))
);

-- Name: plan_step_task; Type: TABLE; Schema: trigger; Owner: -

CREATE TABLE trigger.plan_step_task (
    plan_id bigint NOT NULL,
    step integer NOT NULL,
    task_id bigint NOT NULL
);

-- Name: pod; Type: TABLE; Schema: trigger; Owner: -

CREATE TABLE trigger.pod (
    pod_id uuid NOT NULL,
    name text NOT NULL,
    started_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    heartbeat_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    runners jsonb DEFAULT '[]'::jsonb NOT NULL,
    CONSTRAINT pod_runners_check CHECK ((jsonb_typeof(runners) = 'array'::text))
)
WITH (fillfactor='50', autovacuum_vacuum_scale_factor='0', autovacuum_vacuum_threshold='1000');

-- Name: run; Type: TABLE; Schema: trigger; Owner: -

CREATE TABLE trigger.run (
    run_id bigint NOT NULL,
    account_id bigint NOT NULL,
    task_id bigint NOT NULL,
    execution_id bigint NOT NULL,
    command text NOT NULL COLLATE pg_catalog."C",
    task_name text NOT NULL,
    environment_id bigint NOT NULL,
    environment_name text NOT NULL,
    project_id bigint NOT NULL,
    project_name text NOT NULL,
    dbt_version text NOT NULL,
    run_reason text NOT NULL,
    max_attempts smallint NOT NULL,
    attempts smallint DEFAULT 0 NOT NULL,
    state text DEFAULT 'PENDING'::text NOT NULL,
    reason text DEFAULT ''::text NOT NULL,
    message text DEFAULT ''::text NOT NULL,
    exit_code integer,
    created_at timestamp with time zone NOT NULL,
    due_at timestamp with time zone,
    lease_id bigint,
    lease_until timestamp with time zone,
    started_at timestamp with time zone,
    finished_at timestamp with time zone,
    artifacts_due_at timestamp with time zone,
    step integer,
    takes_payload boolean DEFAULT true NOT NULL,
    summary text,
    log_bytes bigint DEFAULT 0 NOT NULL,
    log_truncated boolean DEFAULT false NOT NULL,
    slots jsonb,
    parameters jsonb,
    timeout_seconds integer,
    CONSTRAINT run_check CHECK (((finished_at IS NOT NULL) = (state = ANY (ARRAY['SUCCEEDED'::text, 'FAILED'::text, 'CANCELLED'::text])))),
    CONSTRAINT run_check1 CHECK (((reason <> ''::text) = (state = 'FAILED'::text))),
    CONSTRAINT run_check2 CHECK (((state <> 'PENDING'::text) OR ((started_at IS NULL) AND ((lease_id IS NULL) = (lease_until IS NULL))))),
    CONSTRAINT run_check3 CHECK (((state <> 'RUNNING'::text) OR ((num_nulls(started_at, lease_id, lease_until) = 0) AND (attempts > 0)))),
    CONSTRAINT run_check4 CHECK (((finished_at IS NULL) OR (lease_until IS NULL))),
    CONSTRAINT run_check5 CHECK (((finished_at IS NOT NULL) OR (artifacts_due_at IS NULL))),
    CONSTRAINT run_check6 CHECK ((attempts <= max_attempts)),
    CONSTRAINT run_order CHECK (((finished_at IS NOT NULL) OR (num_nulls(slots, parameters, timeout_seconds) = 0))),
    CONSTRAINT run_reason_check CHECK ((reason = ANY (ARRAY[''::text, 'command_failed'::text, 'timed_out'::text, 'runner_lost'::text, 'not_runnable'::text, 'parameter_missing'::text, 'cancelled'::text]))),
    CONSTRAINT run_state_check CHECK ((state = ANY (ARRAY['PENDING'::text, 'RUNNING'::text, 'SUCCEEDED'::text, 'FAILED'::text, 'CANCELLED'::text])))
)
WITH (fillfactor='80', autovacuum_vacuum_scale_factor='0', autovacuum_vacuum_threshold='5000', autovacuum_vacuum_cost_delay='0');

-- Name: run_log; Type: TABLE; Schema: trigger; Owner: -

CREATE TABLE trigger.run_log (
    started_day date NOT NULL,
    run_id bigint NOT NULL,
    byte_offset bigint NOT NULL,
    chunk bytea NOT NULL,
    CONSTRAINT run_log_chunk_check CHECK (((octet_length(chunk) >= 1) AND (octet_length(chunk) <= 262144)))
)
PARTITION BY RANGE (started_day);
ALTER TABLE ONLY trigger.run_log ALTER COLUMN chunk SET STORAGE MAIN;

-- Name: run_run_id_seq; Type: SEQUENCE; Schema: trigger; Owner: -

ALTER TABLE trigger.run ALTER COLUMN run_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME trigger.run_run_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- Name: target; Type: TABLE; Schema: trigger; Owner: -

CREATE TABLE trigger.target (
    target text NOT NULL COLLATE pg_catalog."C",
    sort text NOT NULL,
    CONSTRAINT target_sort_check CHECK ((sort = ANY (ARRAY['webhook'::text, 'schedule'::text]))),
    CONSTRAINT target_target_check CHECK ((target ~ '^(task|plan):\d+$'::text))
);

-- Name: task; Type: TABLE; Schema: trigger; Owner: -

CREATE TABLE trigger.task (
    task_id bigint NOT NULL,
    account_id bigint NOT NULL,
    name text NOT NULL,
    kind text NOT NULL,
    command text NOT NULL COLLATE pg_catalog."C",
    slots jsonb NOT NULL,
    parameters jsonb NOT NULL,
    timeout_seconds integer NOT NULL,
    allow_parallel_runs boolean NOT NULL,
    max_attempts smallint NOT NULL,
    environment_id bigint NOT NULL,
    environment_name text NOT NULL,
    project_id bigint NOT NULL,
    project_name text NOT NULL,
    dbt_version text NOT NULL,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    queue_limit integer DEFAULT 50 NOT NULL,
    queue_mode text DEFAULT 'fail'::text NOT NULL,
    queue_count text DEFAULT 'concurrent'::text NOT NULL,
    paused boolean DEFAULT false NOT NULL,
    version bigint DEFAULT 1 NOT NULL,
    CONSTRAINT task_account_id_check CHECK ((account_id > 0)),
    CONSTRAINT task_command_check CHECK ((command ~ '^[a-z0-9_-]{1,63}$'::text)),
    CONSTRAINT task_environment_id_check CHECK ((environment_id > 0)),
    CONSTRAINT task_kind_check CHECK ((kind = ANY (ARRAY['standard'::text, 'big_data'::text]))),
    CONSTRAINT task_max_attempts_check CHECK (((max_attempts >= 1) AND (max_attempts <= 10))),
    CONSTRAINT task_name_check CHECK ((name <> ''::text)),
    CONSTRAINT task_parameters_check CHECK ((jsonb_typeof(parameters) = 'array'::text)),
    CONSTRAINT task_project_id_check CHECK ((project_id > 0)),
    CONSTRAINT task_queue_count_check CHECK ((queue_count = ANY (ARRAY['concurrent'::text, 'rolling'::text]))),
    CONSTRAINT task_queue_limit_check CHECK (((queue_limit >= 1) AND (queue_limit <= 10000))),
    CONSTRAINT task_queue_mode_check CHECK ((queue_mode = ANY (ARRAY['fail'::text, 'reject'::text, 'hold'::text]))),
    CONSTRAINT task_slots_check CHECK ((jsonb_typeof(slots) = 'object'::text)),
    CONSTRAINT task_timeout_seconds_check CHECK (((timeout_seconds >= 60) AND (timeout_seconds <= 86400)))
);

-- Name: task_task_id_seq; Type: SEQUENCE; Schema: trigger; Owner: -

ALTER TABLE trigger.task ALTER COLUMN task_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME trigger.task_task_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- Name: token; Type: TABLE; Schema: trigger; Owner: -

CREATE TABLE trigger.token (
    token_hash bytea NOT NULL,
    trigger_id bigint NOT NULL,
    sealed bytea NOT NULL,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    expires_at timestamp with time zone,
    generation bigint NOT NULL,
    CONSTRAINT token_token_hash_check CHECK ((octet_length(token_hash) = 32))
);

-- Name: token_generation_seq; Type: SEQUENCE; Schema: trigger; Owner: -

ALTER TABLE trigger.token ALTER COLUMN generation ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME trigger.token_generation_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- Name: trigger; Type: TABLE; Schema: trigger; Owner: -

CREATE TABLE trigger.trigger (
    trigger_id bigint NOT NULL,
    public_id text NOT NULL COLLATE pg_catalog."C",
    account_id bigint NOT NULL,
    task_id bigint,
    name text NOT NULL,
    data_mode text NOT NULL,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    plan_id bigint,
    kind text DEFAULT 'webhook'::text NOT NULL,
    enabled boolean DEFAULT true NOT NULL,
    cron_expression text,
    time_zone text,
    start_at timestamp with time zone,
    next_start_at timestamp with time zone,
    verification jsonb,
    call_rules jsonb,
    version bigint DEFAULT 1 NOT NULL,
    target text GENERATED ALWAYS AS (
CASE
    WHEN (plan_id IS NULL) THEN ('task:'::text || task_id)
    ELSE ('plan:'::text || plan_id)
END) STORED NOT NULL COLLATE pg_catalog."C",
    sort text GENERATED ALWAYS AS (
CASE
    WHEN (kind = 'webhook'::text) THEN 'webhook'::text
    ELSE 'schedule'::text
END) STORED NOT NULL,
    CONSTRAINT trigger_account_id_check CHECK ((account_id > 0)),
    CONSTRAINT trigger_data_mode_check CHECK ((data_mode = ANY (ARRAY['string'::text, 'object'::text, 'talend_raw'::text]))),
    CONSTRAINT trigger_kind_check CHECK ((kind = ANY (ARRAY['webhook'::text, 'once'::text, 'cron'::text]))),
    CONSTRAINT trigger_name_check CHECK (((name ~ '^[A-Za-z0-9_#-]{1,100}$'::text) AND ((kind <> 'webhook'::text) OR (name !~ '[#-]'::text)))),
    CONSTRAINT trigger_one_target CHECK ((num_nonnulls(task_id, plan_id) = 1)),
    CONSTRAINT trigger_public_id_check CHECK ((public_id ~ '^trg_[0-9A-Za-z]{27}$'::text)),
    CONSTRAINT trigger_schedule CHECK ((((kind = 'cron'::text) = ((cron_expression IS NOT NULL) AND (time_zone IS NOT NULL))) AND ((kind = 'once'::text) = (start_at IS NOT NULL)) AND ((kind <> 'webhook'::text) OR (next_start_at IS NULL))))
);

-- Name: trigger_trigger_id_seq; Type: SEQUENCE; Schema: trigger; Owner: -

ALTER TABLE trigger.trigger ALTER COLUMN trigger_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME trigger.trigger_trigger_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

-- Name: verification_secret; Type: TABLE; Schema: trigger; Owner: -

CREATE TABLE trigger.verification_secret (
    trigger_id bigint NOT NULL,
    place smallint NOT NULL,
    sealed bytea NOT NULL,
    CONSTRAINT verification_secret_place_check CHECK (((place >= 1) AND (place <= 2)))
);

-- Name: window_id; Type: SEQUENCE; Schema: trigger; Owner: -

CREATE SEQUENCE trigger.window_id
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

-- Name: attempt attempt_pkey; Type: CONSTRAINT; Schema: delivery; Owner: -

ALTER TABLE ONLY delivery.attempt
    ADD CONSTRAINT attempt_pkey PRIMARY KEY (delivery_id, id, attempted_at);

-- Name: delivery delivery_pkey; Type: CONSTRAINT; Schema: delivery; Owner: -

ALTER TABLE ONLY delivery.delivery
    ADD CONSTRAINT delivery_pkey PRIMARY KEY (id, finished_at);

-- Name: erasure erasure_pkey; Type: CONSTRAINT; Schema: delivery; Owner: -

ALTER TABLE ONLY delivery.erasure
    ADD CONSTRAINT erasure_pkey PRIMARY KEY (erasure_id);

-- Name: event event_event_id_check; Type: CHECK CONSTRAINT; Schema: delivery; Owner: -

ALTER TABLE delivery.event
    ADD CONSTRAINT event_event_id_check CHECK (((octet_length(event_id) = 31) AND (event_id ~~ 'wev\_%'::text))) NOT VALID;

-- Name: event event_pkey; Type: CONSTRAINT; Schema: delivery; Owner: -

ALTER TABLE ONLY delivery.event
    ADD CONSTRAINT event_pkey PRIMARY KEY (event_id, published_at);

-- Name: lane lane_pkey; Type: CONSTRAINT; Schema: delivery; Owner: -

ALTER TABLE ONLY delivery.lane
    ADD CONSTRAINT lane_pkey PRIMARY KEY (subscription_id);

-- Name: pod pod_pkey; Type: CONSTRAINT; Schema: delivery; Owner: -

ALTER TABLE ONLY delivery.pod
    ADD CONSTRAINT pod_pkey PRIMARY KEY (epoch);

-- Name: publish_request publish_request_pkey; Type: CONSTRAINT; Schema: delivery; Owner: -

ALTER TABLE ONLY delivery.publish_request
    ADD CONSTRAINT publish_request_pkey PRIMARY KEY (account_id, request_id);

-- Name: queue queue_pkey; Type: CONSTRAINT; Schema: delivery; Owner: -

ALTER TABLE ONLY delivery.queue
    ADD CONSTRAINT queue_pkey PRIMARY KEY (id);

-- Name: recovery recovery_pkey; Type: CONSTRAINT; Schema: delivery; Owner: -

ALTER TABLE ONLY delivery.recovery
    ADD CONSTRAINT recovery_pkey PRIMARY KEY (recovery_id);

-- Name: partitioned_table partitioned_table_pkey; Type: CONSTRAINT; Schema: runhook; Owner: -

ALTER TABLE ONLY runhook.partitioned_table
    ADD CONSTRAINT partitioned_table_pkey PRIMARY KEY (parent);

-- Name: schema_migration schema_migration_pkey; Type: CONSTRAINT; Schema: runhook; Owner: -

ALTER TABLE ONLY runhook.schema_migration
    ADD CONSTRAINT schema_migration_pkey PRIMARY KEY (version);

-- Name: account account_pkey; Type: CONSTRAINT; Schema: subscription; Owner: -

ALTER TABLE ONLY subscription.account
    ADD CONSTRAINT account_pkey PRIMARY KEY (account_id);

-- Name: account account_public_id_key; Type: CONSTRAINT; Schema: subscription; Owner: -

ALTER TABLE ONLY subscription.account
    ADD CONSTRAINT account_public_id_key UNIQUE (public_id);

-- Name: delivery_setting delivery_setting_pkey; Type: CONSTRAINT; Schema: subscription; Owner: -

ALTER TABLE ONLY subscription.delivery_setting
    ADD CONSTRAINT delivery_setting_pkey PRIMARY KEY (subscription_id);

-- Name: interest interest_pkey; Type: CONSTRAINT; Schema: subscription; Owner: -

ALTER TABLE ONLY subscription.interest
    ADD CONSTRAINT interest_pkey PRIMARY KEY (account_id, event_type, job_id, subscription_id);

-- Name: secret_setting secret_setting_pkey; Type: CONSTRAINT; Schema: subscription; Owner: -

ALTER TABLE ONLY subscription.secret_setting
    ADD CONSTRAINT secret_setting_pkey PRIMARY KEY (subscription_id, kind);

-- Name: service_token service_token_pkey; Type: CONSTRAINT; Schema: subscription; Owner: -

ALTER TABLE ONLY subscription.service_token
    ADD CONSTRAINT service_token_pkey PRIMARY KEY (token_id);

-- Name: service_token service_token_token_hash_key; Type: CONSTRAINT; Schema: subscription; Owner: -

ALTER TABLE ONLY subscription.service_token
    ADD CONSTRAINT service_token_token_hash_key UNIQUE (token_hash);

-- Name: signing_secret signing_secret_pkey; Type: CONSTRAINT; Schema: subscription; Owner: -

ALTER TABLE ONLY subscription.signing_secret
    ADD CONSTRAINT signing_secret_pkey PRIMARY KEY (id);

-- Name: subscription subscription_pkey; Type: CONSTRAINT; Schema: subscription; Owner: -

ALTER TABLE ONLY subscription.subscription
    ADD CONSTRAINT subscription_pkey PRIMARY KEY (id);

-- Name: subscription subscription_public_id_key; Type: CONSTRAINT; Schema: subscription; Owner: -

ALTER TABLE ONLY subscription.subscription
    ADD CONSTRAINT subscription_public_id_key UNIQUE (public_id);

-- Name: artifact_chunk artifact_chunk_pkey; Type: CONSTRAINT; Schema: trigger; Owner: -

ALTER TABLE ONLY trigger.artifact_chunk
    ADD CONSTRAINT artifact_chunk_pkey PRIMARY KEY (finished_day, run_id, name, chunk_number);

-- Name: artifact artifact_pkey; Type: CONSTRAINT; Schema: trigger; Owner: -

ALTER TABLE ONLY trigger.artifact
    ADD CONSTRAINT artifact_pkey PRIMARY KEY (run_id, name);

-- Name: audit audit_pkey; Type: CONSTRAINT; Schema: trigger; Owner: -

ALTER TABLE ONLY trigger.audit
    ADD CONSTRAINT audit_pkey PRIMARY KEY (audit_id);

-- Name: call_dedupe call_dedupe_pkey; Type: CONSTRAINT; Schema: trigger; Owner: -

ALTER TABLE ONLY trigger.call_dedupe
    ADD CONSTRAINT call_dedupe_pkey PRIMARY KEY (trigger_id, dedupe_key);

-- Name: call call_pkey; Type: CONSTRAINT; Schema: trigger; Owner: -

ALTER TABLE ONLY trigger.call
    ADD CONSTRAINT call_pkey PRIMARY KEY (received_day, trigger_id, seq);

-- Name: execution_payload execution_payload_pkey; Type: CONSTRAINT; Schema: trigger; Owner: -

ALTER TABLE ONLY trigger.execution_payload
    ADD CONSTRAINT execution_payload_pkey PRIMARY KEY (execution_id);

-- Name: execution execution_pkey; Type: CONSTRAINT; Schema: trigger; Owner: -

ALTER TABLE ONLY trigger.execution
    ADD CONSTRAINT execution_pkey PRIMARY KEY (execution_id);

-- Name: execution execution_public_id_key; Type: CONSTRAINT; Schema: trigger; Owner: -

ALTER TABLE ONLY trigger.execution
    ADD CONSTRAINT execution_public_id_key UNIQUE (public_id);

-- Name: execution execution_window_id_key; Type: CONSTRAINT; Schema: trigger; Owner: -

ALTER TABLE ONLY trigger.execution
    ADD CONSTRAINT execution_window_id_key UNIQUE (window_id);

-- Name: head head_pkey; Type: CONSTRAINT; Schema: trigger; Owner: -

ALTER TABLE ONLY trigger.head
    ADD CONSTRAINT head_pkey PRIMARY KEY (trigger_id);

-- Name: ingest_group ingest_group_pkey; Type: CONSTRAINT; Schema: trigger; Owner: -

ALTER TABLE ONLY trigger.ingest_group
    ADD CONSTRAINT ingest_group_pkey PRIMARY KEY (group_id);

-- Name: outbox outbox_pkey; Type: CONSTRAINT; Schema: trigger; Owner: -

ALTER TABLE ONLY trigger.outbox
    ADD CONSTRAINT outbox_pkey PRIMARY KEY (outbox_id);

-- Name: outbox outbox_run_id_event_type_key; Type: CONSTRAINT; Schema: trigger; Owner: -

ALTER TABLE ONLY trigger.outbox
    ADD CONSTRAINT outbox_run_id_event_type_key UNIQUE (run_id, event_type);

-- Name: plan plan_pkey; Type: CONSTRAINT; Schema: trigger; Owner: -

ALTER TABLE ONLY trigger.plan
    ADD CONSTRAINT plan_pkey PRIMARY KEY (plan_id);

-- Name: plan_step plan_step_pkey; Type: CONSTRAINT; Schema: trigger; Owner: -

ALTER TABLE ONLY trigger.plan_step
    ADD CONSTRAINT plan_step_pkey PRIMARY KEY (plan_id, step);

-- Name: plan_step_task plan_step_task_pkey; Type: CONSTRAINT; Schema: trigger; Owner: -

ALTER TABLE ONLY trigger.plan_step_task
    ADD CONSTRAINT plan_step_task_pkey PRIMARY KEY (plan_id, step, task_id);

-- Name: pod pod_pkey; Type: CONSTRAINT; Schema: trigger; Owner: -

ALTER TABLE ONLY trigger.pod
    ADD CONSTRAINT pod_pkey PRIMARY KEY (pod_id);

-- Name: run_log run_log_pkey; Type: CONSTRAINT; Schema: trigger; Owner: -

ALTER TABLE ONLY trigger.run_log
    ADD CONSTRAINT run_log_pkey PRIMARY KEY (started_day, run_id, byte_offset);

-- Name: run run_pkey; Type: CONSTRAINT; Schema: trigger; Owner: -

ALTER TABLE ONLY trigger.run
    ADD CONSTRAINT run_pkey PRIMARY KEY (run_id);

-- Name: target target_pkey; Type: CONSTRAINT; Schema: trigger; Owner: -

ALTER TABLE ONLY trigger.target
    ADD CONSTRAINT target_pkey PRIMARY KEY (target);

-- Name: target target_target_sort_key; Type: CONSTRAINT; Schema: trigger; Owner: -

ALTER TABLE ONLY trigger.target
    ADD CONSTRAINT target_target_sort_key UNIQUE (target, sort);

-- Name: task task_pkey; Type: CONSTRAINT; Schema: trigger; Owner: -

ALTER TABLE ONLY trigger.task
    ADD CONSTRAINT task_pkey PRIMARY KEY (task_id);

-- Name: token token_pkey; Type: CONSTRAINT; Schema: trigger; Owner: -

ALTER TABLE ONLY trigger.token
    ADD CONSTRAINT token_pkey PRIMARY KEY (token_hash);

-- Name: trigger trigger_pkey; Type: CONSTRAINT; Schema: trigger; Owner: -

ALTER TABLE ONLY trigger.trigger
    ADD CONSTRAINT trigger_pkey PRIMARY KEY (trigger_id);

-- Name: trigger trigger_public_id_key; Type: CONSTRAINT; Schema: trigger; Owner: -

ALTER TABLE ONLY trigger.trigger
    ADD CONSTRAINT trigger_public_id_key UNIQUE (public_id);

-- Name: verification_secret verification_secret_pkey; Type: CONSTRAINT; Schema: trigger; Owner: -

ALTER TABLE ONLY trigger.verification_secret
    ADD CONSTRAINT verification_secret_pkey PRIMARY KEY (trigger_id, place);

-- Name: window window_pkey; Type: CONSTRAINT; Schema: trigger; Owner: -

ALTER TABLE ONLY trigger."window"
    ADD CONSTRAINT window_pkey PRIMARY KEY (window_id);

-- Name: delivery_not_succeeded; Type: INDEX; Schema: delivery; Owner: -

CREATE INDEX delivery_not_succeeded ON ONLY delivery.delivery USING btree (subscription_id, published_at, id) WHERE (state <> 'SUCCEEDED'::text);

-- Name: delivery_recent; Type: INDEX; Schema: delivery; Owner: -

CREATE INDEX delivery_recent ON ONLY delivery.delivery USING btree (subscription_id, published_at, id);

-- Name: erasure_account; Type: INDEX; Schema: delivery; Owner: -

CREATE INDEX erasure_account ON delivery.erasure USING btree (account_id, erasure_id);

-- Name: erasure_running; Type: INDEX; Schema: delivery; Owner: -

CREATE INDEX erasure_running ON delivery.erasure USING btree (erasure_id) WHERE (state = 'RUNNING'::text);

-- Name: lane_due; Type: INDEX; Schema: delivery; Owner: -

CREATE INDEX lane_due ON delivery.lane USING btree (next_due_at) WHERE (next_due_at IS NOT NULL);

-- Name: lane_failing; Type: INDEX; Schema: delivery; Owner: -

CREATE INDEX lane_failing ON delivery.lane USING btree (failing_since) WHERE (failing_since IS NOT NULL);

-- Name: lane_open; Type: INDEX; Schema: delivery; Owner: -

CREATE INDEX lane_open ON delivery.lane USING btree (open_until) WHERE (open_until IS NOT NULL);

-- Name: publish_request_age; Type: INDEX; Schema: delivery; Owner: -

CREATE INDEX publish_request_age ON delivery.publish_request USING brin (published_at);

-- Name: queue_due; Type: INDEX; Schema: delivery; Owner: -

CREATE INDEX queue_due ON delivery.queue USING btree (due_at) WHERE ((lease_id IS NULL) AND (NOT parked));

-- Name: queue_parked; Type: INDEX; Schema: delivery; Owner: -

CREATE INDEX queue_parked ON delivery.queue USING btree (subscription_id, due_at) WHERE parked;

-- Name: queue_tried; Type: INDEX; Schema: delivery; Owner: -

CREATE INDEX queue_tried ON delivery.queue USING btree (subscription_id, published_at, id) WHERE ((attempts > 0) OR (redelivery IS NOT NULL));

-- Name: recovery_running; Type: INDEX; Schema: delivery; Owner: -

CREATE INDEX recovery_running ON delivery.recovery USING btree (recovery_id) WHERE (state = 'RUNNING'::text);

-- Name: recovery_subscription; Type: INDEX; Schema: delivery; Owner: -

CREATE INDEX recovery_subscription ON delivery.recovery USING btree (subscription_id, recovery_id);

-- Name: interest_subscription; Type: INDEX; Schema: subscription; Owner: -

CREATE INDEX interest_subscription ON subscription.interest USING btree (subscription_id);

-- Name: service_token_account; Type: INDEX; Schema: subscription; Owner: -

CREATE INDEX service_token_account ON subscription.service_token USING btree (account_id);

-- Name: signing_secret_lasting; Type: INDEX; Schema: subscription; Owner: -

CREATE UNIQUE INDEX signing_secret_lasting ON subscription.signing_secret USING btree (subscription_id) WHERE (expires_at IS NULL);

-- Name: signing_secret_subscription; Type: INDEX; Schema: subscription; Owner: -

CREATE INDEX signing_secret_subscription ON subscription.signing_secret USING btree (subscription_id, id);

-- Name: subscription_account; Type: INDEX; Schema: subscription; Owner: -

CREATE INDEX subscription_account ON subscription.subscription USING btree (account_id, id) WHERE (deleted_at IS NULL);

-- Name: audit_account; Type: INDEX; Schema: trigger; Owner: -

CREATE INDEX audit_account ON trigger.audit USING btree (account_id, audit_id);

-- Name: audit_deleted; Type: INDEX; Schema: trigger; Owner: -

CREATE INDEX audit_deleted ON trigger.audit USING btree (trigger_id) WHERE (what = 'trigger_deleted'::text);

-- Name: audit_deleted_public; Type: INDEX; Schema: trigger; Owner: -

CREATE INDEX audit_deleted_public ON trigger.audit USING btree (public_trigger_id) WHERE (what = 'trigger_deleted'::text);

-- Name: call_dedupe_age; Type: INDEX; Schema: trigger; Owner: -

CREATE INDEX call_dedupe_age ON trigger.call_dedupe USING brin (received_at);

-- Name: execution_account; Type: INDEX; Schema: trigger; Owner: -

CREATE INDEX execution_account ON trigger.execution USING btree (account_id, execution_id);

-- Name: execution_deadline; Type: INDEX; Schema: trigger; Owner: -

CREATE INDEX execution_deadline ON trigger.execution USING btree (deadline_at) WHERE ((deadline_at IS NOT NULL) AND (finished_at IS NULL));

-- Name: execution_held; Type: INDEX; Schema: trigger; Owner: -

CREATE INDEX execution_held ON trigger.execution USING btree (target, execution_id) WHERE ((queued_at IS NULL) AND (finished_at IS NULL));

-- Name: execution_in_queue; Type: INDEX; Schema: trigger; Owner: -

CREATE INDEX execution_in_queue ON trigger.execution USING btree (target, queued_at) WHERE ((queued_at IS NOT NULL) AND (finished_at IS NULL));

-- Name: execution_payload_of; Type: INDEX; Schema: trigger; Owner: -

CREATE INDEX execution_payload_of ON trigger.execution USING btree (payload_of) WHERE (payload_of IS NOT NULL);

-- Name: execution_plan; Type: INDEX; Schema: trigger; Owner: -

CREATE INDEX execution_plan ON trigger.execution USING btree (plan_id, execution_id);

-- Name: execution_queued; Type: INDEX; Schema: trigger; Owner: -

CREATE INDEX execution_queued ON trigger.execution USING btree (target, queued_at) WHERE (queued_at IS NOT NULL);

-- Name: execution_request; Type: INDEX; Schema: trigger; Owner: -

CREATE UNIQUE INDEX execution_request ON trigger.execution USING btree (account_id, request_id) WHERE (request_id IS NOT NULL);

-- Name: execution_state; Type: INDEX; Schema: trigger; Owner: -

CREATE INDEX execution_state ON trigger.execution USING btree (account_id, state, execution_id);

-- Name: execution_target_state; Type: INDEX; Schema: trigger; Owner: -

CREATE INDEX execution_target_state ON trigger.execution USING btree (target, state, execution_id);

-- Name: execution_task; Type: INDEX; Schema: trigger; Owner: -

CREATE INDEX execution_task ON trigger.execution USING btree (task_id, execution_id);

-- Name: execution_trigger; Type: INDEX; Schema: trigger; Owner: -

CREATE INDEX execution_trigger ON trigger.execution USING btree (trigger_id, execution_id);

-- Name: execution_turn; Type: INDEX; Schema: trigger; Owner: -

CREATE UNIQUE INDEX execution_turn ON trigger.execution USING btree (target) WHERE (exclusive AND (turn_at IS NOT NULL) AND (finished_at IS NULL));

-- Name: execution_unfinished; Type: INDEX; Schema: trigger; Owner: -

CREATE INDEX execution_unfinished ON trigger.execution USING btree (state, created_at) WHERE (finished_at IS NULL);

-- Name: execution_waiting; Type: INDEX; Schema: trigger; Owner: -

CREATE INDEX execution_waiting ON trigger.execution USING btree (target, execution_id) WHERE (exclusive AND (queued_at IS NOT NULL) AND (turn_at IS NULL) AND (finished_at IS NULL));

-- Name: execution_waiting_parallel; Type: INDEX; Schema: trigger; Owner: -

CREATE INDEX execution_waiting_parallel ON trigger.execution USING btree (target, execution_id) WHERE ((NOT exclusive) AND (queued_at IS NOT NULL) AND (turn_at IS NULL) AND (finished_at IS NULL));

-- Name: ingest_group_age; Type: INDEX; Schema: trigger; Owner: -

CREATE INDEX ingest_group_age ON trigger.ingest_group USING brin (committed_at);

-- Name: outbox_waiting; Type: INDEX; Schema: trigger; Owner: -

CREATE INDEX outbox_waiting ON trigger.outbox USING btree (outbox_id) WHERE ((published_at IS NULL) AND (refusal IS NULL));

-- Name: plan_account; Type: INDEX; Schema: trigger; Owner: -

CREATE INDEX plan_account ON trigger.plan USING btree (account_id, plan_id);

-- Name: plan_failure_handler; Type: INDEX; Schema: trigger; Owner: -

CREATE INDEX plan_failure_handler ON trigger.plan USING btree (failure_handler_task_id) WHERE (failure_handler_task_id IS NOT NULL);

-- Name: plan_step_task_task; Type: INDEX; Schema: trigger; Owner: -

CREATE INDEX plan_step_task_task ON trigger.plan_step_task USING btree (task_id);

-- Name: run_artifacts_due; Type: INDEX; Schema: trigger; Owner: -

CREATE INDEX run_artifacts_due ON trigger.run USING btree (artifacts_due_at) WHERE (artifacts_due_at IS NOT NULL);

-- Name: run_execution; Type: INDEX; Schema: trigger; Owner: -

CREATE INDEX run_execution ON trigger.run USING btree (execution_id, run_id);

-- Name: run_free; Type: INDEX; Schema: trigger; Owner: -

CREATE INDEX run_free ON trigger.run USING btree (command, due_at, run_id) WHERE ((state = 'PENDING'::text) AND (lease_id IS NULL) AND (due_at IS NOT NULL));

-- Name: run_free_account; Type: INDEX; Schema: trigger; Owner: -

CREATE INDEX run_free_account ON trigger.run USING btree (account_id, command, due_at, run_id) WHERE ((state = 'PENDING'::text) AND (lease_id IS NULL) AND (due_at IS NOT NULL));

-- Name: run_leased; Type: INDEX; Schema: trigger; Owner: -

CREATE INDEX run_leased ON trigger.run USING btree (lease_until) WHERE (lease_until IS NOT NULL);

-- Name: task_account; Type: INDEX; Schema: trigger; Owner: -

CREATE INDEX task_account ON trigger.task USING btree (account_id, task_id);

-- Name: token_trigger; Type: INDEX; Schema: trigger; Owner: -

CREATE INDEX token_trigger ON trigger.token USING btree (trigger_id);

-- Name: trigger_account; Type: INDEX; Schema: trigger; Owner: -

CREATE INDEX trigger_account ON trigger.trigger USING btree (account_id, trigger_id);

-- Name: trigger_due; Type: INDEX; Schema: trigger; Owner: -

CREATE INDEX trigger_due ON trigger.trigger USING btree (next_start_at) WHERE ((next_start_at IS NOT NULL) AND enabled);

-- Name: trigger_one_webhook_per_plan; Type: INDEX; Schema: trigger; Owner: -

CREATE UNIQUE INDEX trigger_one_webhook_per_plan ON trigger.trigger USING btree (plan_id) WHERE (kind = 'webhook'::text);

-- Name: trigger_one_webhook_per_task; Type: INDEX; Schema: trigger; Owner: -

CREATE UNIQUE INDEX trigger_one_webhook_per_task ON trigger.trigger USING btree (task_id) WHERE (kind = 'webhook'::text);

-- Name: trigger_plan; Type: INDEX; Schema: trigger; Owner: -

CREATE INDEX trigger_plan ON trigger.trigger USING btree (plan_id);

-- Name: trigger_task; Type: INDEX; Schema: trigger; Owner: -

CREATE INDEX trigger_task ON trigger.trigger USING btree (task_id);

-- Name: window_open; Type: INDEX; Schema: trigger; Owner: -

CREATE INDEX window_open ON trigger."window" USING btree (deadline_at) WHERE (state = 'OPEN'::text);

-- Name: window_trigger; Type: INDEX; Schema: trigger; Owner: -

CREATE INDEX window_trigger ON trigger."window" USING btree (trigger_id, window_id);

-- Name: delivery_setting delivery_setting_subscription_id_fkey; Type: FK CONSTRAINT; Schema: subscription; Owner: -

ALTER TABLE ONLY subscription.delivery_setting
    ADD CONSTRAINT delivery_setting_subscription_id_fkey FOREIGN KEY (subscription_id) REFERENCES subscription.subscription(id) ON DELETE CASCADE;

-- Name: interest interest_subscription_id_fkey; Type: FK CONSTRAINT; Schema: subscription; Owner: -

ALTER TABLE ONLY subscription.interest
    ADD CONSTRAINT interest_subscription_id_fkey FOREIGN KEY (subscription_id) REFERENCES subscription.subscription(id) ON DELETE CASCADE;

-- Name: secret_setting secret_setting_subscription_id_fkey; Type: FK CONSTRAINT; Schema: subscription; Owner: -

ALTER TABLE ONLY subscription.secret_setting
    ADD CONSTRAINT secret_setting_subscription_id_fkey FOREIGN KEY (subscription_id) REFERENCES subscription.subscription(id) ON DELETE CASCADE;

-- Name: service_token service_token_account_id_fkey; Type: FK CONSTRAINT; Schema: subscription; Owner: -

ALTER TABLE ONLY subscription.service_token
    ADD CONSTRAINT service_token_account_id_fkey FOREIGN KEY (account_id) REFERENCES subscription.account(account_id);

-- Name: signing_secret signing_secret_subscription_id_fkey; Type: FK CONSTRAINT; Schema: subscription; Owner: -

ALTER TABLE ONLY subscription.signing_secret
    ADD CONSTRAINT signing_secret_subscription_id_fkey FOREIGN KEY (subscription_id) REFERENCES subscription.subscription(id) ON DELETE CASCADE;

-- Name: subscription subscription_account_id_fkey; Type: FK CONSTRAINT; Schema: subscription; Owner: -

ALTER TABLE ONLY subscription.subscription
    ADD CONSTRAINT subscription_account_id_fkey FOREIGN KEY (account_id) REFERENCES subscription.account(account_id);

-- Name: head head_trigger_id_fkey; Type: FK CONSTRAINT; Schema: trigger; Owner: -

ALTER TABLE ONLY trigger.head
    ADD CONSTRAINT head_trigger_id_fkey FOREIGN KEY (trigger_id) REFERENCES trigger.trigger(trigger_id) ON DELETE CASCADE;

-- Name: plan plan_failure_handler_task_id_fkey; Type: FK CONSTRAINT; Schema: trigger; Owner: -

ALTER TABLE ONLY trigger.plan
    ADD CONSTRAINT plan_failure_handler_task_id_fkey FOREIGN KEY (failure_handler_task_id) REFERENCES trigger.task(task_id);

-- Name: plan_step plan_step_plan_id_fkey; Type: FK CONSTRAINT; Schema: trigger; Owner: -

ALTER TABLE ONLY trigger.plan_step
    ADD CONSTRAINT plan_step_plan_id_fkey FOREIGN KEY (plan_id) REFERENCES trigger.plan(plan_id) ON DELETE CASCADE;

-- Name: plan_step_task plan_step_task_plan_id_step_fkey; Type: FK CONSTRAINT; Schema: trigger; Owner: -

ALTER TABLE ONLY trigger.plan_step_task
    ADD CONSTRAINT plan_step_task_plan_id_step_fkey FOREIGN KEY (plan_id, step) REFERENCES trigger.plan_step(plan_id, step) ON DELETE CASCADE;

-- Name: plan_step_task plan_step_task_task_id_fkey; Type: FK CONSTRAINT; Schema: trigger; Owner: -

ALTER TABLE ONLY trigger.plan_step_task
    ADD CONSTRAINT plan_step_task_task_id_fkey FOREIGN KEY (task_id) REFERENCES trigger.task(task_id);

-- Name: token token_trigger_id_fkey; Type: FK CONSTRAINT; Schema: trigger; Owner: -

ALTER TABLE ONLY trigger.token
    ADD CONSTRAINT token_trigger_id_fkey FOREIGN KEY (trigger_id) REFERENCES trigger.trigger(trigger_id) ON DELETE CASCADE;

-- Name: trigger trigger_plan_id_fkey; Type: FK CONSTRAINT; Schema: trigger; Owner: -

ALTER TABLE ONLY trigger.trigger
    ADD CONSTRAINT trigger_plan_id_fkey FOREIGN KEY (plan_id) REFERENCES trigger.plan(plan_id);

-- Name: trigger trigger_sort; Type: FK CONSTRAINT; Schema: trigger; Owner: -

ALTER TABLE ONLY trigger.trigger
    ADD CONSTRAINT trigger_sort FOREIGN KEY (target, sort) REFERENCES trigger.target(target, sort);

-- Name: trigger trigger_task_id_fkey; Type: FK CONSTRAINT; Schema: trigger; Owner: -

ALTER TABLE ONLY trigger.trigger
    ADD CONSTRAINT trigger_task_id_fkey FOREIGN KEY (task_id) REFERENCES trigger.task(task_id);

-- Name: verification_secret verification_secret_trigger_id_fkey; Type: FK CONSTRAINT; Schema: trigger; Owner: -

ALTER TABLE ONLY trigger.verification_secret
    ADD CONSTRAINT verification_secret_trigger_id_fkey FOREIGN KEY (trigger_id) REFERENCES trigger.trigger(trigger_id) ON DELETE CASCADE;

-- Name: SCHEMA delivery; Type: ACL; Schema: -; Owner: -

GRANT USAGE ON SCHEMA delivery TO runhook_delivery;
GRANT USAGE ON SCHEMA delivery TO runhook_subscription;

-- Name: SCHEMA public; Type: ACL; Schema: -; Owner: -

REVOKE USAGE ON SCHEMA public FROM PUBLIC;

-- Name: SCHEMA runhook; Type: ACL; Schema: -; Owner: -

GRANT USAGE ON SCHEMA runhook TO runhook_subscription;
GRANT USAGE ON SCHEMA runhook TO runhook_delivery;
GRANT USAGE ON SCHEMA runhook TO runhook_trigger;

-- Name: SCHEMA subscription; Type: ACL; Schema: -; Owner: -

GRANT USAGE ON SCHEMA subscription TO runhook_subscription;
GRANT USAGE ON SCHEMA subscription TO runhook_delivery;

-- Name: SCHEMA trigger; Type: ACL; Schema: -; Owner: -

GRANT USAGE ON SCHEMA trigger TO runhook_trigger;

-- Name: FUNCTION caller_of_token(p_token_hash bytea); Type: ACL; Schema: runhook; Owner: -

REVOKE ALL ON FUNCTION runhook.caller_of_token(p_token_hash bytea) FROM PUBLIC;
GRANT ALL ON FUNCTION runhook.caller_of_token(p_token_hash bytea) TO runhook_subscription;
GRANT ALL ON FUNCTION runhook.caller_of_token(p_token_hash bytea) TO runhook_delivery;
GRANT ALL ON FUNCTION runhook.caller_of_token(p_token_hash bytea) TO runhook_trigger;

-- Name: FUNCTION check_partition_caller(p_owner_schema text); Type: ACL; Schema: runhook; Owner: -

REVOKE ALL ON FUNCTION runhook.check_partition_caller(p_owner_schema text) FROM PUBLIC;

-- Name: FUNCTION drop_partitions(p_owner_schema text, p_today date); Type: ACL; Schema: runhook; Owner: -

REVOKE ALL ON FUNCTION runhook.drop_partitions(p_owner_schema text, p_today date) FROM PUBLIC;
GRANT ALL ON FUNCTION runhook.drop_partitions(p_owner_schema text, p_today date) TO runhook_subscription;
GRANT ALL ON FUNCTION runhook.drop_partitions(p_owner_schema text, p_today date) TO runhook_delivery;
GRANT ALL ON FUNCTION runhook.drop_partitions(p_owner_schema text, p_today date) TO runhook_trigger;

-- Name: FUNCTION make_partitions(p_owner_schema text, p_days_ahead integer, p_today date); Type: ACL; Schema: runhook; Owner: -

REVOKE ALL ON FUNCTION runhook.make_partitions(p_owner_schema text, p_days_ahead integer, p_today date) FROM PUBLIC;
GRANT ALL ON FUNCTION runhook.make_partitions(p_owner_schema text, p_days_ahead integer, p_today date) TO runhook_subscription;
GRANT ALL ON FUNCTION runhook.make_partitions(p_owner_schema text, p_days_ahead integer, p_today date) TO runhook_delivery;
GRANT ALL ON FUNCTION runhook.make_partitions(p_owner_schema text, p_days_ahead integer, p_today date) TO runhook_trigger;

-- Name: FUNCTION admit_held(p_target bigint, p_now timestamp with time zone); Type: ACL; Schema: trigger; Owner: -

REVOKE ALL ON FUNCTION trigger.admit_held(p_target bigint, p_now timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION trigger.admit_held(p_target bigint, p_now timestamp with time zone) TO runhook_trigger;

-- Name: FUNCTION advance_plan(p_execution_id bigint, p_now timestamp with time zone); Type: ACL; Schema: trigger; Owner: -

REVOKE ALL ON FUNCTION trigger.advance_plan(p_execution_id bigint, p_now timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION trigger.advance_plan(p_execution_id bigint, p_now timestamp with time zone) TO runhook_trigger;

-- Name: FUNCTION cancel_execution(p_account_id bigint, p_execution_id text, p_now timestamp with time zone); Type: ACL; Schema: trigger; Owner: -

REVOKE ALL ON FUNCTION trigger.cancel_execution(p_account_id bigint, p_execution_id text, p_now timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION trigger.cancel_execution(p_account_id bigint, p_execution_id text, p_now timestamp with time zone) TO runhook_trigger;

-- Name: FUNCTION close_expired(p_limit integer, p_execution_ids text[], p_now timestamp with time zone); Type: ACL; Schema: trigger; Owner: -

REVOKE ALL ON FUNCTION trigger.close_expired(p_limit integer, p_execution_ids text[], p_now timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION trigger.close_expired(p_limit integer, p_execution_ids text[], p_now timestamp with time zone) TO runhook_trigger;

-- Name: FUNCTION close_window(p_trigger_id bigint, p_reason text, p_execution_ids text[], p_now timestamp with time zone); Type: ACL; Schema: trigger; Owner: -

REVOKE ALL ON FUNCTION trigger.close_window(p_trigger_id bigint, p_reason text, p_execution_ids text[], p_now timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION trigger.close_window(p_trigger_id bigint, p_reason text, p_execution_ids text[], p_now timestamp with time zone) TO runhook_trigger;

-- Name: FUNCTION end_execution(p_execution_id bigint, p_state text, p_reason text, p_now timestamp with time zone); Type: ACL; Schema: trigger; Owner: -

REVOKE ALL ON FUNCTION trigger.end_execution(p_execution_id bigint, p_state text, p_reason text, p_now timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION trigger.end_execution(p_execution_id bigint, p_state text, p_reason text, p_now timestamp with time zone) TO runhook_trigger;

-- Name: FUNCTION end_run(p_run_id bigint, p_lease_id bigint, p_account_id bigint, p_lost boolean, p_state text, p_reason text, p_message text, p_exit_code integer, p_artifact_seconds double precision, p_summary text, p_now timestamp with time zone); Type: ACL; Schema: trigger; Owner: -

REVOKE ALL ON FUNCTION trigger.end_run(p_run_id bigint, p_lease_id bigint, p_account_id bigint, p_lost boolean, p_state text, p_reason text, p_message text, p_exit_code integer, p_artifact_seconds double precision, p_summary text, p_now timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION trigger.end_run(p_run_id bigint, p_lease_id bigint, p_account_id bigint, p_lost boolean, p_state text, p_reason text, p_message text, p_exit_code integer, p_artifact_seconds double precision, p_summary text, p_now timestamp with time zone) TO runhook_trigger;

-- Name: FUNCTION end_runs(p_execution_id bigint, p_state text, p_reason text, p_message text, p_now timestamp with time zone); Type: ACL; Schema: trigger; Owner: -

REVOKE ALL ON FUNCTION trigger.end_runs(p_execution_id bigint, p_state text, p_reason text, p_message text, p_now timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION trigger.end_runs(p_execution_id bigint, p_state text, p_reason text, p_message text, p_now timestamp with time zone) TO runhook_trigger;

-- Name: TABLE execution; Type: ACL; Schema: trigger; Owner: -

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE trigger.execution TO runhook_trigger;

-- Name: FUNCTION enqueue(p_wishes trigger.wish[], p_now timestamp with time zone); Type: ACL; Schema: trigger; Owner: -

REVOKE ALL ON FUNCTION trigger.enqueue(p_wishes trigger.wish[], p_now timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION trigger.enqueue(p_wishes trigger.wish[], p_now timestamp with time zone) TO runhook_trigger;

-- Name: FUNCTION execution_reason(p_run_reason text); Type: ACL; Schema: trigger; Owner: -

REVOKE ALL ON FUNCTION trigger.execution_reason(p_run_reason text) FROM PUBLIC;
GRANT ALL ON FUNCTION trigger.execution_reason(p_run_reason text) TO runhook_trigger;

-- Name: FUNCTION finish_run(p_run_id bigint, p_lease_id bigint, p_account_id bigint, p_lost boolean, p_state text, p_reason text, p_message text, p_exit_code integer, p_execution_reason text, p_artifact_seconds double precision, p_now timestamp with time zone); Type: ACL; Schema: trigger; Owner: -

REVOKE ALL ON FUNCTION trigger.finish_run(p_run_id bigint, p_lease_id bigint, p_account_id bigint, p_lost boolean, p_state text, p_reason text, p_message text, p_exit_code integer, p_execution_reason text, p_artifact_seconds double precision, p_now timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION trigger.finish_run(p_run_id bigint, p_lease_id bigint, p_account_id bigint, p_lost boolean, p_state text, p_reason text, p_message text, p_exit_code integer, p_execution_reason text, p_artifact_seconds double precision, p_now timestamp with time zone) TO runhook_trigger;

-- Name: FUNCTION give_turns(p_target bigint, p_now timestamp with time zone); Type: ACL; Schema: trigger; Owner: -

REVOKE ALL ON FUNCTION trigger.give_turns(p_target bigint, p_now timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION trigger.give_turns(p_target bigint, p_now timestamp with time zone) TO runhook_trigger;

-- Name: FUNCTION give_up_waiting(p_execution_id bigint, p_before timestamp with time zone, p_now timestamp with time zone); Type: ACL; Schema: trigger; Owner: -

REVOKE ALL ON FUNCTION trigger.give_up_waiting(p_execution_id bigint, p_before timestamp with time zone, p_now timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION trigger.give_up_waiting(p_execution_id bigint, p_before timestamp with time zone, p_now timestamp with time zone) TO runhook_trigger;

-- Name: FUNCTION lock_target(p_target bigint); Type: ACL; Schema: trigger; Owner: -

REVOKE ALL ON FUNCTION trigger.lock_target(p_target bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION trigger.lock_target(p_target bigint) TO runhook_trigger;

-- Name: FUNCTION make_runs(p_execution_ids bigint[], p_step integer, p_now timestamp with time zone); Type: ACL; Schema: trigger; Owner: -

REVOKE ALL ON FUNCTION trigger.make_runs(p_execution_ids bigint[], p_step integer, p_now timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION trigger.make_runs(p_execution_ids bigint[], p_step integer, p_now timestamp with time zone) TO runhook_trigger;

-- Name: FUNCTION pause_target(p_account_id bigint, p_target bigint, p_paused boolean, p_now timestamp with time zone); Type: ACL; Schema: trigger; Owner: -

REVOKE ALL ON FUNCTION trigger.pause_target(p_account_id bigint, p_target bigint, p_paused boolean, p_now timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION trigger.pause_target(p_account_id bigint, p_target bigint, p_paused boolean, p_now timestamp with time zone) TO runhook_trigger;

-- Name: FUNCTION plan_as_it_is(p_plan_id bigint); Type: ACL; Schema: trigger; Owner: -

REVOKE ALL ON FUNCTION trigger.plan_as_it_is(p_plan_id bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION trigger.plan_as_it_is(p_plan_id bigint) TO runhook_trigger;

-- Name: FUNCTION queue_is_full(p_task_id bigint, p_plan_id bigint); Type: ACL; Schema: trigger; Owner: -

REVOKE ALL ON FUNCTION trigger.queue_is_full(p_task_id bigint, p_plan_id bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION trigger.queue_is_full(p_task_id bigint, p_plan_id bigint) TO runhook_trigger;

-- Name: FUNCTION receive_calls(p_group_id uuid, p_trigger_ids bigint[], p_firsts integer[], p_counts integer[], p_call_ids text[], p_media_types text[], p_bodies bytea[], p_sizes integer[], p_data_modes text[], p_dedupe_keys bytea[], p_pausing bigint[], p_rejecting bigint[], p_execution_ids text[], p_patient boolean, p_now timestamp with time zone); Type: ACL; Schema: trigger; Owner: -

REVOKE ALL ON FUNCTION trigger.receive_calls(p_group_id uuid, p_trigger_ids bigint[], p_firsts integer[], p_counts integer[], p_call_ids text[], p_media_types text[], p_bodies bytea[], p_sizes integer[], p_data_modes text[], p_dedupe_keys bytea[], p_pausing bigint[], p_rejecting bigint[], p_execution_ids text[], p_patient boolean, p_now timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION trigger.receive_calls(p_group_id uuid, p_trigger_ids bigint[], p_firsts integer[], p_counts integer[], p_call_ids text[], p_media_types text[], p_bodies bytea[], p_sizes integer[], p_data_modes text[], p_dedupe_keys bytea[], p_pausing bigint[], p_rejecting bigint[], p_execution_ids text[], p_patient boolean, p_now timestamp with time zone) TO runhook_trigger;

-- Name: FUNCTION receive_calls(p_group_id uuid, p_trigger_ids bigint[], p_firsts integer[], p_counts integer[], p_generations bigint[], p_call_ids text[], p_media_types text[], p_bodies bytea[], p_sizes integer[], p_data_modes text[], p_dedupe_keys bytea[], p_pausing bigint[], p_rejecting bigint[], p_execution_ids text[], p_patient boolean, p_now timestamp with time zone); Type: ACL; Schema: trigger; Owner: -

REVOKE ALL ON FUNCTION trigger.receive_calls(p_group_id uuid, p_trigger_ids bigint[], p_firsts integer[], p_counts integer[], p_generations bigint[], p_call_ids text[], p_media_types text[], p_bodies bytea[], p_sizes integer[], p_data_modes text[], p_dedupe_keys bytea[], p_pausing bigint[], p_rejecting bigint[], p_execution_ids text[], p_patient boolean, p_now timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION trigger.receive_calls(p_group_id uuid, p_trigger_ids bigint[], p_firsts integer[], p_counts integer[], p_generations bigint[], p_call_ids text[], p_media_types text[], p_bodies bytea[], p_sizes integer[], p_data_modes text[], p_dedupe_keys bytea[], p_pausing bigint[], p_rejecting bigint[], p_execution_ids text[], p_patient boolean, p_now timestamp with time zone) TO runhook_trigger;

-- Name: FUNCTION rerun_execution(p_public_id text, p_account_id bigint, p_execution_id text, p_from_failed_step boolean, p_now timestamp with time zone); Type: ACL; Schema: trigger; Owner: -

REVOKE ALL ON FUNCTION trigger.rerun_execution(p_public_id text, p_account_id bigint, p_execution_id text, p_from_failed_step boolean, p_now timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION trigger.rerun_execution(p_public_id text, p_account_id bigint, p_execution_id text, p_from_failed_step boolean, p_now timestamp with time zone) TO runhook_trigger;

-- Name: FUNCTION room(p_target bigint, p_limit integer, p_count text, p_now timestamp with time zone); Type: ACL; Schema: trigger; Owner: -

REVOKE ALL ON FUNCTION trigger.room(p_target bigint, p_limit integer, p_count text, p_now timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION trigger.room(p_target bigint, p_limit integer, p_count text, p_now timestamp with time zone) TO runhook_trigger;

-- Name: TABLE "window"; Type: ACL; Schema: trigger; Owner: -

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE trigger."window" TO runhook_trigger;

-- Name: FUNCTION set_going(p_closed trigger."window"[], p_execution_ids text[]); Type: ACL; Schema: trigger; Owner: -

REVOKE ALL ON FUNCTION trigger.set_going(p_closed trigger."window"[], p_execution_ids text[]) FROM PUBLIC;
GRANT ALL ON FUNCTION trigger.set_going(p_closed trigger."window"[], p_execution_ids text[]) TO runhook_trigger;

-- Name: FUNCTION start_execution(p_public_id text, p_account_id bigint, p_task_id bigint, p_plan_id bigint, p_cause text, p_trigger_id bigint, p_run_reason text, p_parameters jsonb, p_payload bytea, p_request_id text, p_request_hash bytea, p_now timestamp with time zone); Type: ACL; Schema: trigger; Owner: -

REVOKE ALL ON FUNCTION trigger.start_execution(p_public_id text, p_account_id bigint, p_task_id bigint, p_plan_id bigint, p_cause text, p_trigger_id bigint, p_run_reason text, p_parameters jsonb, p_payload bytea, p_request_id text, p_request_hash bytea, p_now timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION trigger.start_execution(p_public_id text, p_account_id bigint, p_task_id bigint, p_plan_id bigint, p_cause text, p_trigger_id bigint, p_run_reason text, p_parameters jsonb, p_payload bytea, p_request_id text, p_request_hash bytea, p_now timestamp with time zone) TO runhook_trigger;

-- Name: FUNCTION target_rules(p_target bigint); Type: ACL; Schema: trigger; Owner: -

REVOKE ALL ON FUNCTION trigger.target_rules(p_target bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION trigger.target_rules(p_target bigint) TO runhook_trigger;

-- Name: FUNCTION tasks_of(p_task_id bigint, p_plan jsonb, p_step integer); Type: ACL; Schema: trigger; Owner: -

REVOKE ALL ON FUNCTION trigger.tasks_of(p_task_id bigint, p_plan jsonb, p_step integer) FROM PUBLIC;
GRANT ALL ON FUNCTION trigger.tasks_of(p_task_id bigint, p_plan jsonb, p_step integer) TO runhook_trigger;

-- Name: FUNCTION tell_end(p_run_ids bigint[], p_completed boolean); Type: ACL; Schema: trigger; Owner: -

REVOKE ALL ON FUNCTION trigger.tell_end(p_run_ids bigint[], p_completed boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION trigger.tell_end(p_run_ids bigint[], p_completed boolean) TO runhook_trigger;

-- Name: FUNCTION time_out_plan(p_execution_id bigint, p_now timestamp with time zone); Type: ACL; Schema: trigger; Owner: -

REVOKE ALL ON FUNCTION trigger.time_out_plan(p_execution_id bigint, p_now timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION trigger.time_out_plan(p_execution_id bigint, p_now timestamp with time zone) TO runhook_trigger;

-- Name: TABLE attempt; Type: ACL; Schema: delivery; Owner: -

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE delivery.attempt TO runhook_delivery;

-- Name: TABLE delivery; Type: ACL; Schema: delivery; Owner: -

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE delivery.delivery TO runhook_delivery;

-- Name: SEQUENCE delivery_id; Type: ACL; Schema: delivery; Owner: -

GRANT USAGE ON SEQUENCE delivery.delivery_id TO runhook_delivery;

-- Name: TABLE erasure; Type: ACL; Schema: delivery; Owner: -

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE delivery.erasure TO runhook_delivery;

-- Name: SEQUENCE erasure_erasure_id_seq; Type: ACL; Schema: delivery; Owner: -

GRANT USAGE ON SEQUENCE delivery.erasure_erasure_id_seq TO runhook_delivery;

-- Name: TABLE event; Type: ACL; Schema: delivery; Owner: -

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE delivery.event TO runhook_delivery;

-- Name: TABLE lane; Type: ACL; Schema: delivery; Owner: -

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE delivery.lane TO runhook_delivery;
GRANT SELECT ON TABLE delivery.lane TO runhook_subscription;

-- Name: TABLE pod; Type: ACL; Schema: delivery; Owner: -

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE delivery.pod TO runhook_delivery;

-- Name: SEQUENCE pod_epoch_seq; Type: ACL; Schema: delivery; Owner: -

GRANT USAGE ON SEQUENCE delivery.pod_epoch_seq TO runhook_delivery;

-- Name: TABLE publish_request; Type: ACL; Schema: delivery; Owner: -

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE delivery.publish_request TO runhook_delivery;

-- Name: TABLE queue; Type: ACL; Schema: delivery; Owner: -

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE delivery.queue TO runhook_delivery;

-- Name: TABLE recovery; Type: ACL; Schema: delivery; Owner: -

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE delivery.recovery TO runhook_delivery;

-- Name: SEQUENCE recovery_recovery_id_seq; Type: ACL; Schema: delivery; Owner: -

GRANT USAGE ON SEQUENCE delivery.recovery_recovery_id_seq TO runhook_delivery;

-- Name: TABLE schema_migration; Type: ACL; Schema: runhook; Owner: -

GRANT SELECT ON TABLE runhook.schema_migration TO runhook_subscription;
GRANT SELECT ON TABLE runhook.schema_migration TO runhook_delivery;
GRANT SELECT ON TABLE runhook.schema_migration TO runhook_trigger;

-- Name: TABLE account; Type: ACL; Schema: subscription; Owner: -

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE subscription.account TO runhook_subscription;

-- Name: COLUMN account.account_id; Type: ACL; Schema: subscription; Owner: -

GRANT SELECT(account_id) ON TABLE subscription.account TO runhook_delivery;

-- Name: COLUMN account.public_id; Type: ACL; Schema: subscription; Owner: -

GRANT SELECT(public_id) ON TABLE subscription.account TO runhook_delivery;

-- Name: TABLE delivery_setting; Type: ACL; Schema: subscription; Owner: -

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE subscription.delivery_setting TO runhook_subscription;
GRANT SELECT ON TABLE subscription.delivery_setting TO runhook_delivery;

-- Name: TABLE interest; Type: ACL; Schema: subscription; Owner: -

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE subscription.interest TO runhook_subscription;
GRANT SELECT ON TABLE subscription.interest TO runhook_delivery;

-- Name: TABLE secret_setting; Type: ACL; Schema: subscription; Owner: -

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE subscription.secret_setting TO runhook_subscription;
GRANT SELECT ON TABLE subscription.secret_setting TO runhook_delivery;

-- Name: TABLE service_token; Type: ACL; Schema: subscription; Owner: -

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE subscription.service_token TO runhook_subscription;

-- Name: SEQUENCE service_token_token_id_seq; Type: ACL; Schema: subscription; Owner: -

GRANT USAGE ON SEQUENCE subscription.service_token_token_id_seq TO runhook_subscription;

-- Name: TABLE signing_secret; Type: ACL; Schema: subscription; Owner: -

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE subscription.signing_secret TO runhook_subscription;
GRANT SELECT ON TABLE subscription.signing_secret TO runhook_delivery;

-- Name: SEQUENCE signing_secret_id_seq; Type: ACL; Schema: subscription; Owner: -

GRANT USAGE ON SEQUENCE subscription.signing_secret_id_seq TO runhook_subscription;

-- Name: TABLE subscription; Type: ACL; Schema: subscription; Owner: -

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE subscription.subscription TO runhook_subscription;
GRANT SELECT ON TABLE subscription.subscription TO runhook_delivery;

-- Name: SEQUENCE subscription_id_seq; Type: ACL; Schema: subscription; Owner: -

GRANT USAGE ON SEQUENCE subscription.subscription_id_seq TO runhook_subscription;

-- Name: TABLE artifact; Type: ACL; Schema: trigger; Owner: -

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE trigger.artifact TO runhook_trigger;

-- Name: TABLE artifact_chunk; Type: ACL; Schema: trigger; Owner: -

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE trigger.artifact_chunk TO runhook_trigger;

-- Name: TABLE audit; Type: ACL; Schema: trigger; Owner: -

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE trigger.audit TO runhook_trigger;

-- Name: SEQUENCE audit_audit_id_seq; Type: ACL; Schema: trigger; Owner: -

GRANT USAGE ON SEQUENCE trigger.audit_audit_id_seq TO runhook_trigger;

-- Name: TABLE call; Type: ACL; Schema: trigger; Owner: -

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE trigger.call TO runhook_trigger;

-- Name: TABLE call_dedupe; Type: ACL; Schema: trigger; Owner: -

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE trigger.call_dedupe TO runhook_trigger;

-- Name: SEQUENCE execution_execution_id_seq; Type: ACL; Schema: trigger; Owner: -

GRANT USAGE ON SEQUENCE trigger.execution_execution_id_seq TO runhook_trigger;

-- Name: TABLE execution_payload; Type: ACL; Schema: trigger; Owner: -

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE trigger.execution_payload TO runhook_trigger;

-- Name: TABLE head; Type: ACL; Schema: trigger; Owner: -

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE trigger.head TO runhook_trigger;

-- Name: TABLE ingest_group; Type: ACL; Schema: trigger; Owner: -

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE trigger.ingest_group TO runhook_trigger;

-- Name: SEQUENCE lease_id; Type: ACL; Schema: trigger; Owner: -

GRANT USAGE ON SEQUENCE trigger.lease_id TO runhook_trigger;

-- Name: TABLE outbox; Type: ACL; Schema: trigger; Owner: -

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE trigger.outbox TO runhook_trigger;

-- Name: SEQUENCE outbox_outbox_id_seq; Type: ACL; Schema: trigger; Owner: -

GRANT USAGE ON SEQUENCE trigger.outbox_outbox_id_seq TO runhook_trigger;

-- Name: TABLE plan; Type: ACL; Schema: trigger; Owner: -

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE trigger.plan TO runhook_trigger;

-- Name: SEQUENCE plan_plan_id_seq; Type: ACL; Schema: trigger; Owner: -

GRANT USAGE ON SEQUENCE trigger.plan_plan_id_seq TO runhook_trigger;

-- Name: TABLE plan_step; Type: ACL; Schema: trigger; Owner: -

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE trigger.plan_step TO runhook_trigger;

-- Name: TABLE plan_step_task; Type: ACL; Schema: trigger; Owner: -

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE trigger.plan_step_task TO runhook_trigger;

-- Name: TABLE pod; Type: ACL; Schema: trigger; Owner: -

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE trigger.pod TO runhook_trigger;

-- Name: TABLE run; Type: ACL; Schema: trigger; Owner: -

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE trigger.run TO runhook_trigger;

-- Name: TABLE run_log; Type: ACL; Schema: trigger; Owner: -

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE trigger.run_log TO runhook_trigger;

-- Name: SEQUENCE run_run_id_seq; Type: ACL; Schema: trigger; Owner: -

GRANT USAGE ON SEQUENCE trigger.run_run_id_seq TO runhook_trigger;

-- Name: TABLE target; Type: ACL; Schema: trigger; Owner: -

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE trigger.target TO runhook_trigger;

-- Name: TABLE task; Type: ACL; Schema: trigger; Owner: -

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE trigger.task TO runhook_trigger;

-- Name: SEQUENCE task_task_id_seq; Type: ACL; Schema: trigger; Owner: -

GRANT USAGE ON SEQUENCE trigger.task_task_id_seq TO runhook_trigger;

-- Name: TABLE token; Type: ACL; Schema: trigger; Owner: -

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE trigger.token TO runhook_trigger;

-- Name: TABLE trigger; Type: ACL; Schema: trigger; Owner: -

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE trigger.trigger TO runhook_trigger;

-- Name: SEQUENCE trigger_trigger_id_seq; Type: ACL; Schema: trigger; Owner: -

GRANT USAGE ON SEQUENCE trigger.trigger_trigger_id_seq TO runhook_trigger;

-- Name: TABLE verification_secret; Type: ACL; Schema: trigger; Owner: -

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE trigger.verification_secret TO runhook_trigger;

-- Name: SEQUENCE window_id; Type: ACL; Schema: trigger; Owner: -

GRANT USAGE ON SEQUENCE trigger.window_id TO runhook_trigger;

-- Name: DEFAULT PRIVILEGES FOR FUNCTIONS; Type: DEFAULT ACL; Schema: -; Owner: -

ALTER DEFAULT PRIVILEGES FOR ROLE runhook REVOKE ALL ON FUNCTIONS FROM PUBLIC;
