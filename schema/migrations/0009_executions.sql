-- Executions of tasks and plans: who may queue, whose turn it is, which step comes next. Owner: trigger_svc.
--
-- Locks are taken in the order head, target (plans before tasks, by number), execution, run. What is decided about a target's executions is
-- decided under the target's lock. The step rule stands a second time in trigger_svc/plan.py, for people and for tests.

alter table trigger.execution
    -- Task or plan in one number, so that one index and one statement serve both.
    add column target bigint not null generated always as (coalesce(task_id, -plan_id)) stored,
    add column queued_at timestamptz,  -- when it came into the queue; null: held for want of room, or it never came in
    add column payload_bytes bigint not null default 0,  -- 0: it has no payload
    add column failure text not null default '',  -- of a plan: why it will be FAILED, once its failure handler has ended
    add column request_hash bytea;     -- of what was asked for under request_id
update trigger.execution e set queued_at = e.created_at where e.state <> 'REJECTED';
update trigger.execution e set payload_bytes = w.bytes from trigger.window w where w.window_id = e.window_id;
drop index trigger.execution_turn, trigger.execution_waiting, trigger.execution_plan_turn, trigger.execution_plan_waiting;
create unique index execution_turn on trigger.execution (target)
    where exclusive and turn_at is not null and finished_at is null;
create index execution_waiting on trigger.execution (target, execution_id)
    where exclusive and queued_at is not null and turn_at is null and finished_at is null;
create index execution_waiting_parallel on trigger.execution (target, execution_id)
    where not exclusive and queued_at is not null and turn_at is null and finished_at is null;
create index execution_held on trigger.execution (target, execution_id) where queued_at is null and finished_at is null;
create index execution_queued on trigger.execution (target, queued_at) where queued_at is not null;
create index execution_in_queue on trigger.execution (target, queued_at) where queued_at is not null and finished_at is null;

-- A run is executed as its task was when the run was made, whatever becomes of the task.
alter table trigger.run
    add column slots jsonb,
    add column parameters jsonb,  -- name to value, without resource_webhook_payload
    add column timeout_seconds integer;
update trigger.run r
   set slots = t.slots, timeout_seconds = t.timeout_seconds,
       parameters = (select coalesce(jsonb_object_agg(p ->> 'name', p ->> 'default_value'), '{}')
                       from jsonb_array_elements(t.parameters) p where p ->> 'name' <> 'resource_webhook_payload'),
       takes_payload = t.parameters @> '[{"name": "resource_webhook_payload"}]'
  from trigger.task t
 where t.task_id = r.task_id and r.finished_at is null;
alter table trigger.run
    add constraint run_order check (finished_at is not null or num_nulls(slots, parameters, timeout_seconds) = 0);

-- A rejected execution has no run, and tells of itself; run_id is then a number that no run has.
alter table trigger.outbox
    add column execution_id bigint,
    drop constraint outbox_event_type_check,
    add constraint outbox_event_type_check
        check (event_type in ('job.run.started', 'job.run.completed', 'job.run.errored', 'execution.rejected')),
    add constraint outbox_subject check ((execution_id is not null) = (event_type = 'execution.rejected'));

-- What somebody wants to be executed, before the queue limit was asked.
create type trigger.wish as (
    public_id text, account_id bigint, task_id bigint, plan_id bigint, trigger_id bigint, window_id bigint, call_count integer,
    cause text, run_reason text, created_at timestamptz, payload_of bigint, payload_bytes bigint,
    rerun_of bigint, parameters jsonb, request_id text, request_hash bytea,
    first_step integer,  -- of a plan: where it begins
    plan jsonb           -- of a plan: what it executes
);

-- A plan as an execution keeps it; null when it is not there.
create function trigger.plan_as_it_is(p_plan_id bigint) returns jsonb
language sql stable as $$
    select jsonb_build_object(
               'steps', (select jsonb_agg(s.tasks order by s.step)
                           from (select t.step, jsonb_agg(t.task_id order by t.task_id) as tasks
                                   from trigger.plan_step_task t where t.plan_id = p.plan_id group by t.step) s),
               'failure_handler_task_id', p.failure_handler_task_id,
               'timeout_seconds', p.timeout_seconds)
      from trigger.plan p where p.plan_id = p_plan_id
$$;

-- The tasks of a step of an execution, from 1, or of its failure handler, 0; an execution of a task has one step.
create function trigger.tasks_of(p_task_id bigint, p_plan jsonb, p_step integer) returns bigint[]
language sql immutable as $$
    select case
        when p_task_id is not null then array[p_task_id]
        when p_step = 0 then array_remove(array[(p_plan ->> 'failure_handler_task_id')::bigint], null)
        else array(select t::bigint from jsonb_array_elements_text(p_plan -> 'steps' -> (p_step - 1)) t) end
$$;

create function trigger.execution_reason(p_run_reason text) returns text
language sql immutable as $$
    select case when p_run_reason in ('command_failed', 'not_runnable') then 'run_failed' else p_run_reason end
$$;

-- How many more executions of a target may come into the queue: below 0 there are more than its limit allows.
create function trigger.room(p_target bigint, p_limit integer, p_count text, p_now timestamptz) returns integer
language plpgsql stable as $$
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

-- Whether a call that would open a window is to be refused: its target is of mode `reject` and has no room. Locks nothing.
create function trigger.queue_is_full(p_task_id bigint, p_plan_id bigint) returns boolean
language plpgsql stable as $$
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

-- What decides about the executions of a target; no row when it is gone.
create function trigger.target_rules(p_target bigint)
returns table (queue_limit integer, queue_mode text, queue_count text, paused boolean, allow_parallel_runs boolean)
language sql stable as $$
    select t.queue_limit, t.queue_mode, t.queue_count, t.paused, t.allow_parallel_runs
      from trigger.task t where t.task_id = p_target
    union all
    select p.queue_limit, p.queue_mode, p.queue_count, p.paused, p.allow_parallel_runs
      from trigger.plan p where p.plan_id = -p_target
$$;

create function trigger.lock_target(p_target bigint) returns void
language plpgsql as $$
begin
    if p_target > 0 then
        perform from trigger.task t where t.task_id = p_target for no key update;
    else
        perform from trigger.plan p where p.plan_id = -p_target for no key update;
    end if;
end $$;

-- Makes the runs of a step of these executions: of plans the step p_step, 0 for the failure handler, of tasks their only one. They
-- are due at once if their execution has the turn. Of an execution that was born FAILED they are born FAILED.
create function trigger.make_runs(p_execution_ids bigint[], p_step integer, p_now timestamptz) returns void
language plpgsql as $$
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

-- Puts into the outbox what is told of runs that have just become final: errored if they failed, then completed unless it waits for
-- artifacts.
create function trigger.tell_end(p_run_ids bigint[], p_completed boolean) returns void
language sql as $$
    insert into trigger.outbox (run_id, event_type, event_at, run_state, message, started_at, finished_at)
    select r.run_id, n.event_type, r.finished_at, r.state, r.message, r.started_at, r.finished_at
      from trigger.run r
     cross join unnest(array['job.run.errored', 'job.run.completed']) with ordinality as n (event_type, place)
     where r.run_id = any(p_run_ids) and case n.place when 1 then r.state = 'FAILED' else p_completed end
     order by r.run_id, n.place
    on conflict (run_id, event_type) do nothing
$$;

-- Lets held executions into the queue as far as there is room, and gives the turn to whom it is due, oldest first. The caller holds the
-- target's lock. Whether a run became free.
create function trigger.give_turns(p_target bigint, p_now timestamptz) returns boolean
language plpgsql as $$
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

-- Makes the executions that somebody wants, with their first runs, in the wishes' order. The caller holds the locks of their targets,
-- which are there. What is beyond the limit is REJECTED, or held; what cannot be executed is FAILED at once.
create function trigger.enqueue(p_wishes trigger.wish[], p_now timestamptz) returns setof trigger.execution
language plpgsql as $$
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

-- Makes the execution of each window that the caller's transaction closes; the caller holds the heads' locks.
-- `p_execution_ids` has at least as many new public ids. Returns one row for each, in the windows' order.
create or replace function trigger.set_going(p_closed trigger.window[], p_execution_ids text[])
returns table (
    what text, trigger_id bigint, window_id bigint, public_trigger_id text, execution_id text, reason text, size integer,
    seconds double precision)
language plpgsql as $$
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
    select 'CLOSED', w.trigger_id, w.window_id, g.public_id, e.public_id, w.close_reason, w.size,
           extract(epoch from w.closed_at - w.deadline_at)::double precision
      from trigger.enqueue(v_wishes, v_now) e
      join unnest(p_closed) w on w.window_id = e.window_id
      join trigger.trigger g on g.trigger_id = w.trigger_id
     order by w.window_id;
end $$;

-- Starts a task or plan by hand (p_cause manual) or for a due trigger (once, cron). Answers: STARTED with the execution, which may
-- be REJECTED or FAILED; REPEATED with the first execution of this request id; REQUEST_ID_TAKEN when that asked for something else;
-- QUEUE_FULL (manual in mode reject: nothing was made); TARGET_MISSING.
create function trigger.start_execution(
    p_public_id text, p_account_id bigint, p_task_id bigint, p_plan_id bigint, p_cause text, p_trigger_id bigint default null,
    p_run_reason text default null, p_parameters jsonb default null, p_payload bytea default null, p_request_id text default null,
    p_request_hash bytea default null, p_now timestamptz default null)
returns table (answer text, execution_id text, state text)
language plpgsql as $$
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

-- Executes again what an execution executed, with the identical payload: a plan as it is now from its first step, or as it was from the
-- step that failed. Answers: STARTED; NOT_FOUND; NOT_FINISHED; NO_FAILED_STEP; TARGET_MISSING; QUEUE_FULL.
create function trigger.rerun_execution(
    p_public_id text, p_account_id bigint, p_execution_id text, p_from_failed_step boolean, p_now timestamptz default null)
returns table (answer text, execution_id text, state text)
language plpgsql as $$
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

-- Makes an execution final and hands its turn on. The caller holds the locks of target and execution.
create function trigger.end_execution(p_execution_id bigint, p_state text, p_reason text, p_now timestamptz) returns void
language plpgsql as $$
declare
    v_target bigint;
begin
    update trigger.execution x
       set state = p_state, reason = p_reason, finished_at = p_now
     where x.execution_id = p_execution_id
    returning x.target into v_target;
    perform trigger.give_turns(v_target, p_now);
end $$;

-- What comes next in an execution of a plan, now that a run of it has ended: nothing, the next step, the failure handler, or the end.
-- The caller holds the locks of target and execution.
create function trigger.advance_plan(p_execution_id bigint, p_now timestamptz) returns void
language plpgsql as $$
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

-- Makes a run final and, in the same transaction, takes its execution on: a task's ends with it, a plan's goes to what comes next.
-- With p_lost it is the rescuer's word on a runner whose lease ran out: then the lease is taken too, so that nothing more of that
-- runner is believed. job.run.completed waits p_artifact_seconds for artifacts, or goes out at once if that is 0.
-- Answers: FINISHED, REPEATED (it was final, by the same lease), LEASE_LOST (not this lease's, or no such run), NOT_STARTED (a success of
-- what never ran).
create function trigger.end_run(
    p_run_id bigint, p_lease_id bigint, p_account_id bigint, p_lost boolean, p_state text, p_reason text, p_message text,
    p_exit_code integer, p_artifact_seconds double precision, p_summary text default null, p_now timestamptz default null)
returns table (
    answer text, account_id bigint, task_id bigint, execution_id text, attempts integer, seconds double precision,
    execution_state text)
language plpgsql as $$
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

-- For pods that are older than this migration, which call it until they are replaced.
create or replace function trigger.finish_run(
    p_run_id bigint, p_lease_id bigint, p_account_id bigint, p_lost boolean, p_state text, p_reason text, p_message text,
    p_exit_code integer, p_execution_reason text, p_artifact_seconds double precision, p_now timestamptz default null)
returns table (answer text, account_id bigint, task_id bigint, execution_id text, attempts integer, seconds double precision)
language sql as $$
    select e.answer, e.account_id, e.task_id, e.execution_id, e.attempts, e.seconds
      from trigger.end_run(p_run_id, p_lease_id, p_account_id, p_lost, p_state, p_reason, p_message, p_exit_code,
                           p_artifact_seconds, null, p_now) e
$$;

-- Ends the unfinished runs of an execution from outside: those that wait are CANCELLED, those that run p_state. Their leases are
-- taken, so that their runners kill them and nothing more of them is believed. The caller holds the execution's lock.
create function trigger.end_runs(p_execution_id bigint, p_state text, p_reason text, p_message text, p_now timestamptz)
returns bigint[]
language plpgsql as $$
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

-- Cancels an execution with its runs; a plan's failure handler is not started. Answers: CANCELLED; REPEATED; FINISHED (it is final
-- otherwise); NOT_FOUND.
create function trigger.cancel_execution(p_account_id bigint, p_execution_id text, p_now timestamptz default null) returns text
language plpgsql as $$
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

-- Ends what still runs of an execution of a plan whose time is over; then comes its failure handler, as after any failure. False when
-- it ended or was handled meanwhile.
create function trigger.time_out_plan(p_execution_id bigint, p_now timestamptz default null) returns boolean
language plpgsql as $$
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

-- Pauses a task or plan or resumes it. Paused, executions wait: also those that have the turn and that no runner has taken yet.
-- False when the account has none such.
create function trigger.pause_target(
    p_account_id bigint, p_target bigint, p_paused boolean, p_now timestamptz default null) returns boolean
language plpgsql as $$
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

-- Lets a target's held executions in if there is room because time has passed. Whether a run became free.
create function trigger.admit_held(p_target bigint, p_now timestamptz default null) returns boolean
language plpgsql as $$
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

grant select, insert, update, delete on all tables in schema trigger to runhook_trigger;
grant usage on all sequences in schema trigger to runhook_trigger;
grant execute on all functions in schema trigger to runhook_trigger;
