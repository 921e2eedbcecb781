-- Calls in, gathered in windows, one execution per window, its runs, and what they announce. Owner: trigger_svc.
--
-- Locks are always taken in the order head, task, run, execution, and never held across a round trip to a pod: whatever
-- decides under a lock is one function call, so that a stopped pod stops nobody else.

-- What a run executes. The outbound payload calls it "job".
create table trigger.task (
    task_id bigint generated always as identity primary key,
    account_id bigint not null check (account_id > 0),
    name text not null check (name <> ''),
    kind text not null check (kind in ('standard', 'big_data')),
    command text collate "C" not null check (command ~ '^[a-z0-9_-]{1,63}$'),
    slots jsonb not null check (jsonb_typeof(slots) = 'object'),            -- name to value
    parameters jsonb not null check (jsonb_typeof(parameters) = 'array'),   -- {"name", "default_value"}, in their order
    timeout_seconds integer not null check (timeout_seconds between 60 and 86400),
    allow_parallel_runs boolean not null,
    max_attempts smallint not null check (max_attempts between 1 and 10),
    environment_id bigint not null check (environment_id > 0),
    environment_name text not null,
    project_id bigint not null check (project_id > 0),
    project_name text not null,
    dbt_version text not null,
    created_at timestamptz not null default clock_timestamp()
);
create index task_account on trigger.task (account_id, task_id);

-- A secret URL that starts one task; what decides about its calls is in its head.
create table trigger.trigger (
    trigger_id bigint generated always as identity primary key,
    public_id text collate "C" not null unique check (public_id ~ '^trg_[0-9A-Za-z]{27}$'),
    account_id bigint not null check (account_id > 0),
    task_id bigint not null references trigger.task,
    name text not null check (name ~ '^[A-Za-z0-9_]{1,100}$'),
    data_mode text not null check (data_mode in ('string')),
    created_at timestamptz not null default clock_timestamp(),
    constraint trigger_one_webhook_per_task unique (task_id)
);
create index trigger_account on trigger.trigger (account_id, trigger_id);

-- The secret ends of the URLs, found by SHA-256 and kept sealed, bound to 'trigger_token:<trigger_id>', for who may see
-- them again. An old one may live beside its successor until it expires.
create table trigger.token (
    token_hash bytea primary key check (octet_length(token_hash) = 32),
    trigger_id bigint not null references trigger.trigger on delete cascade,
    sealed bytea not null,
    created_at timestamptz not null default clock_timestamp(),
    expires_at timestamptz  -- null: never
);
create index token_trigger on trigger.token (trigger_id);

-- The one place where a trigger's calls queue up: locked once per group of calls. Holds the open window's count, so that a
-- call that closes nothing changes this row alone. No changing column is indexed: every update is HOT.
create table trigger.head (
    trigger_id bigint primary key references trigger.trigger on delete cascade,
    account_id bigint not null,
    enabled boolean not null default true,
    threshold integer not null check (threshold between 1 and 10000),
    duration_seconds integer not null check (duration_seconds between 1 and 86400),
    max_bytes integer not null check (max_bytes between 1 and 8388608),  -- of a window's payload, brackets and commas too
    next_seq bigint not null default 1,  -- calls are numbered without a gap
    window_id bigint,                    -- the open window; null when none is open
    window_threshold integer,            -- what the window was opened with: a later edit does not reach it
    window_count integer,
    window_bytes integer,
    opened_at timestamptz,
    deadline_at timestamptz,
    check (num_nulls(window_id, window_threshold, window_count, window_bytes, opened_at, deadline_at) in (0, 6)),
    check (window_count between 1 and window_threshold - 1),
    check (window_bytes <= max_bytes)
) with (fillfactor = 40, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);

-- The span that gathers a trigger's calls: the calls first_seq to first_seq + size - 1.
create sequence trigger.window_id;
create table trigger.window (
    window_id bigint primary key,  -- of trigger.window_id, drawn under the head's lock: rising within a trigger
    trigger_id bigint not null,
    account_id bigint not null,
    state text not null check (state in ('OPEN', 'CLOSED')),
    threshold integer not null,
    first_seq bigint not null,
    opened_at timestamptz not null,
    deadline_at timestamptz not null,
    size integer,   -- while it is open, the head counts
    bytes integer,  -- of its payload
    closed_at timestamptz,
    close_reason text check (close_reason in ('threshold', 'deadline', 'bytes', 'disabled')),
    check (num_nulls(size, bytes, closed_at, close_reason) = case state when 'OPEN' then 4 else 0 end),
    check (size between 1 and threshold),
    check (bytes between 2 and 8388608),
    check (close_reason <> 'threshold' or size = threshold),
    check (close_reason <> 'deadline' or (closed_at >= deadline_at and size < threshold))
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0);
create index window_open on trigger.window (deadline_at) where state = 'OPEN';
create index window_trigger on trigger.window (trigger_id, window_id);

-- Accepted requests, to the byte.
create table trigger.call (
    received_day date not null,  -- UTC
    trigger_id bigint not null,
    seq bigint not null,
    window_id bigint not null,
    account_id bigint not null,
    call_id text collate "C" not null,
    media_type text not null,
    body bytea not null,
    received_at timestamptz not null,
    primary key (received_day, trigger_id, seq)
) partition by range (received_day);
alter table trigger.call alter column body set storage external;  -- compressing costs more than the disk it saves
insert into runhook.partitioned_table (parent, retention_days) values ('trigger.call', 30);

-- One row per committed flush: tells a pod whose connection broke whether its commit went through.
create table trigger.ingest_group (
    group_id uuid primary key,
    taken bigint[] not null,  -- the triggers whose calls it holds
    committed_at timestamptz not null
);
create index ingest_group_age on trigger.ingest_group using brin (committed_at);

-- What one closed window set going.
--   PENDING > RUNNING > SUCCEEDED | FAILED | CANCELLED; PENDING > CANCELLED | FAILED; or born REJECTED
-- Executions of a task that allows no parallel runs take turns: turn_at is null while it waits for the one before.
create table trigger.execution (
    execution_id bigint generated always as identity primary key,
    public_id text collate "C" not null unique check (public_id ~ '^exe_[0-9A-Za-z]{27}$'),
    account_id bigint not null,
    task_id bigint not null,
    trigger_id bigint,
    window_id bigint unique,  -- a window never has two, whoever closes it
    call_count integer not null,
    exclusive boolean not null,  -- its task allowed no parallel runs when it was made
    state text not null default 'PENDING'
        check (state in ('PENDING', 'RUNNING', 'SUCCEEDED', 'FAILED', 'CANCELLED', 'REJECTED')),
    reason text not null default '',
    created_at timestamptz not null,
    turn_at timestamptz,
    started_at timestamptz,
    finished_at timestamptz,
    check ((finished_at is not null) = (state in ('SUCCEEDED', 'FAILED', 'CANCELLED', 'REJECTED'))),
    check ((reason <> '') = (state in ('FAILED', 'REJECTED'))),
    check (state <> 'PENDING' or started_at is null),
    check (state not in ('RUNNING', 'SUCCEEDED') or (started_at is not null and turn_at is not null))
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0);
create unique index execution_turn on trigger.execution (task_id)
    where exclusive and turn_at is not null and finished_at is null;
create index execution_waiting on trigger.execution (task_id, execution_id) where turn_at is null and finished_at is null;
create index execution_account on trigger.execution (account_id, execution_id);
create index execution_task on trigger.execution (task_id, execution_id);

-- One task run. What its events tell of the task is kept as it was, so that an event repeated after a rename is the same.
--   PENDING > RUNNING > SUCCEEDED | FAILED | CANCELLED; RUNNING > PENDING when its runner is lost and attempts are left
-- A lease makes it one runner's; every report carries its number.
create sequence trigger.lease_id;
create table trigger.run (
    run_id bigint generated always as identity primary key,
    account_id bigint not null,
    task_id bigint not null,
    execution_id bigint not null,
    command text collate "C" not null,
    task_name text not null,
    environment_id bigint not null,
    environment_name text not null,
    project_id bigint not null,
    project_name text not null,
    dbt_version text not null,
    run_reason text not null,
    max_attempts smallint not null,
    attempts smallint not null default 0,  -- starts so far
    state text not null default 'PENDING' check (state in ('PENDING', 'RUNNING', 'SUCCEEDED', 'FAILED', 'CANCELLED')),
    reason text not null default ''
        check (reason in ('', 'command_failed', 'timed_out', 'runner_lost', 'not_runnable')),
    message text not null default '',
    exit_code integer,
    created_at timestamptz not null,
    due_at timestamptz,       -- from when on a runner may take it; null while its execution waits its turn
    lease_id bigint,
    lease_until timestamptz,  -- null once it is final
    started_at timestamptz,
    finished_at timestamptz,
    artifacts_due_at timestamptz,  -- when job.run.completed goes out without artifacts; null when it need not
    check ((finished_at is not null) = (state in ('SUCCEEDED', 'FAILED', 'CANCELLED'))),
    check ((reason <> '') = (state = 'FAILED')),
    check (state <> 'PENDING' or (started_at is null and (lease_id is null) = (lease_until is null))),
    check (state <> 'RUNNING' or (num_nulls(started_at, lease_id, lease_until) = 0 and attempts > 0)),
    check (finished_at is null or lease_until is null),
    check (finished_at is not null or artifacts_due_at is null),
    check (attempts <= max_attempts)
) with (
    fillfactor = 80, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0
);
create index run_free on trigger.run (command, due_at, run_id)
    where state = 'PENDING' and lease_id is null and due_at is not null;
create index run_free_account on trigger.run (account_id, command, due_at, run_id)
    where state = 'PENDING' and lease_id is null and due_at is not null;
create index run_leased on trigger.run (lease_until) where lease_until is not null;
create index run_artifacts_due on trigger.run (artifacts_due_at) where artifacts_due_at is not null;
create index run_execution on trigger.run (execution_id, run_id);

-- What the world is yet to be told. In order per run; a row that the other side refuses for good stands aside.
create table trigger.outbox (
    outbox_id bigint generated always as identity primary key,
    run_id bigint not null,
    event_type text not null check (event_type in ('job.run.started', 'job.run.completed', 'job.run.errored')),
    event_at timestamptz not null,
    run_state text not null check (run_state in ('RUNNING', 'SUCCEEDED', 'FAILED', 'CANCELLED')),
    message text not null,
    started_at timestamptz,
    finished_at timestamptz,
    claimed_until timestamptz,  -- a pod publishes it; after that time another may
    published_at timestamptz,
    refusal text,  -- why the other side will never take it
    unique (run_id, event_type),
    check (published_at is null or refusal is null),
    check ((finished_at is null) = (event_type = 'job.run.started'))
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0);
create index outbox_waiting on trigger.outbox (outbox_id) where published_at is null and refusal is null;

-- What a run left behind. Chunks come first; the row that names them makes them visible.
create table trigger.artifact (
    run_id bigint not null,
    name text collate "C" not null check (name ~ '^[A-Za-z0-9_-][A-Za-z0-9._-]{0,254}$'),
    account_id bigint not null,
    finished_day date not null,  -- UTC, of its run: the partition of its chunks
    size_bytes integer not null check (size_bytes between 0 and 16777216),
    chunk_count integer not null check (chunk_count >= 0),
    stored_at timestamptz not null,
    primary key (run_id, name)
);
create table trigger.artifact_chunk (
    finished_day date not null,
    run_id bigint not null,
    name text collate "C" not null,
    chunk_number integer not null,  -- from 0
    chunk bytea not null check (octet_length(chunk) <= 262144),
    primary key (finished_day, run_id, name, chunk_number)
) partition by range (finished_day);
insert into runhook.partitioned_table (parent, retention_days) values ('trigger.artifact_chunk', 30);

-- Makes the execution and the first run of each window that the caller's transaction closes; the caller holds the heads'
-- locks. `p_execution_ids` has at least as many new public ids. Returns one row for each, in the windows' order.
create function trigger.set_going(p_closed trigger.window[], p_execution_ids text[])
returns table (
    what text, trigger_id bigint, window_id bigint, public_trigger_id text, execution_id text, reason text, size integer,
    seconds double precision)
language plpgsql as $$
#variable_conflict use_column
begin
    -- Who has the turn among a task's executions is decided under its lock: here and where one ends.
    perform from trigger.task t
      where t.task_id in (
          select g.task_id from unnest(p_closed) w join trigger.trigger g on g.trigger_id = w.trigger_id)
      order by t.task_id
        for no key update;
    return query
    with closed as materialized (
        select w.window_id, w.trigger_id, w.account_id, w.size, w.closed_at, w.deadline_at, w.close_reason,
               g.task_id, g.name, g.public_id,
               row_number() over (order by w.window_id) as place,
               row_number() over (partition by g.task_id order by w.window_id) as place_in_task
          from unnest(p_closed) w join trigger.trigger g on g.trigger_id = w.trigger_id
    ), made as (
        insert into trigger.execution
            (public_id, account_id, task_id, trigger_id, window_id, call_count, exclusive, created_at, turn_at)
        select p_execution_ids[c.place], c.account_id, c.task_id, c.trigger_id, c.window_id, c.size,
               not t.allow_parallel_runs, c.closed_at,
               case when t.allow_parallel_runs or (c.place_in_task = 1 and b.execution_id is null) then c.closed_at end
          from closed c
          join trigger.task t on t.task_id = c.task_id
          left join lateral (
               select e.execution_id from trigger.execution e
                where e.task_id = c.task_id and e.exclusive and e.turn_at is not null and e.finished_at is null
                limit 1) b on true
         order by c.window_id
        returning execution_id, public_id, account_id, task_id, window_id, created_at, turn_at
    ), ordered as (
        insert into trigger.run
            (account_id, task_id, execution_id, command, task_name, environment_id, environment_name, project_id,
             project_name, dbt_version, run_reason, max_attempts, created_at, due_at)
        select m.account_id, m.task_id, m.execution_id, t.command, t.name, t.environment_id, t.environment_name,
               t.project_id, t.project_name, t.dbt_version, 'Triggered by webhook ' || c.name, t.max_attempts,
               m.created_at, m.turn_at
          from made m
          join closed c on c.window_id = m.window_id
          join trigger.task t on t.task_id = m.task_id
         order by m.execution_id
    )
    select 'CLOSED', c.trigger_id, c.window_id, c.public_id, m.public_id, c.close_reason, c.size,
           extract(epoch from c.closed_at - c.deadline_at)::double precision
      from closed c join made m on m.window_id = c.window_id
     order by c.window_id;
end $$;

-- Takes one flush of calls in. Triggers ascend, each once; the calls of trigger k are those from p_firsts[k] on,
-- p_counts[k] of them. p_sizes is what a call adds to its window's payload: its element and a comma or bracket.
-- p_execution_ids has a new id for each window that may close here: calls + triggers. p_now is for tests.
--
-- A head that somebody else holds is passed over, unless p_patient: then it is waited for (lock_timeout). Rows returned:
--   TAKEN   a trigger whose calls are in        GONE    a trigger that is not there or disabled: nothing of it is in
--   CLOSED  a window, with its execution; seconds after its deadline
--   OPENED  a window that is still open; seconds until its deadline
-- A trigger with neither TAKEN nor GONE was passed over. Raises string_data_right_truncation for a call that is larger than a
-- window may be, lock_not_available when a lock was waited for in vain.
create function trigger.receive_calls(
    p_group_id uuid, p_trigger_ids bigint[], p_firsts integer[], p_counts integer[], p_call_ids text[],
    p_media_types text[], p_bodies bytea[], p_sizes integer[], p_execution_ids text[], p_patient boolean,
    p_now timestamptz default null)
returns table (
    what text, trigger_id bigint, window_id bigint, public_trigger_id text, execution_id text, reason text, size integer,
    seconds double precision)
language plpgsql as $$
#variable_conflict use_column
declare
    v_locked bigint[];
    v_taken bigint[] := '{}';
    v_gone bigint[] := '{}';
    v_heads trigger.head[] := '{}';     -- as they are after this flush
    v_opened trigger.window[] := '{}';  -- opened by this flush, some of them closed by it too
    v_closed trigger.window[] := '{}';  -- closed by this flush
    v_known integer := 0;               -- how many of v_closed were opened before
    v_count integer := 0;               -- how many calls are taken
    -- Of each call: trigger, account, place in its order, window, time; null where it is not taken. The loop below decides,
    -- then one statement per table writes. Filled up front: an array that grows from its middle would begin there.
    v_triggers bigint[] := array_fill(null::bigint, array[cardinality(p_call_ids)]);
    v_accounts bigint[] := v_triggers;
    v_seqs bigint[] := v_triggers;
    v_windows bigint[] := v_triggers;
    v_times timestamptz[] := array_fill(null::timestamptz, array[cardinality(p_call_ids)]);
    h trigger.head;
    w trigger.window;
    t timestamptz;
    v_why text;
    v_last integer;
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

    for h in select d.* from trigger.head d where d.trigger_id = any(v_locked) order by d.trigger_id loop
        if not h.enabled then
            v_gone := v_gone || h.trigger_id;
            continue;
        end if;
        while p_trigger_ids[k] < h.trigger_id loop
            k := k + 1;
        end loop;
        v_last := p_firsts[k] + p_counts[k] - 1;
        t := coalesce(p_now, clock_timestamp());  -- after the lock: a time from before it may lie before the window's opening
        w := null;
        if h.window_id is not null then
            w.window_id := h.window_id;
            w.first_seq := h.next_seq - h.window_count;
            w.deadline_at := h.deadline_at;
        end if;
        for i in p_firsts[k] .. v_last + 1 loop
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
    if v_taken <> '{}' then
        insert into trigger.call
            (received_day, trigger_id, seq, window_id, account_id, call_id, media_type, body, received_at)
        select (c.at at time zone 'UTC')::date, c.trigger_id, c.seq, c.window_id, c.account_id, c.call_id, c.media_type,
               c.body, c.at
          from unnest(v_triggers, v_accounts, v_seqs, v_windows, v_times, p_call_ids, p_media_types, p_bodies)
               as c (trigger_id, account_id, seq, window_id, at, call_id, media_type, body)
         where c.trigger_id is not null;
        get diagnostics k = row_count;
        if k <> v_count then
            raise exception '% of % calls were stored', k, v_count;
        end if;
        update trigger.head d
           set next_seq = n.next_seq, window_id = n.window_id, window_threshold = n.window_threshold,
               window_count = n.window_count, window_bytes = n.window_bytes, opened_at = n.opened_at,
               deadline_at = n.deadline_at
          from unnest(v_heads) n
         where d.trigger_id = n.trigger_id;
        insert into trigger.ingest_group (group_id, taken, committed_at)
        values (p_group_id, v_taken, coalesce(p_now, clock_timestamp()));
    end if;

    if v_closed <> '{}' then
        return query
        select s.what, s.trigger_id, s.window_id, s.public_trigger_id, s.execution_id, s.reason, s.size, s.seconds
          from trigger.set_going(v_closed, p_execution_ids) s;
    end if;
    return query select 'TAKEN', i, null::bigint, null, null, null, null::integer, null::double precision from unnest(v_taken) i;
    return query select 'GONE', i, null::bigint, null, null, null, null::integer, null::double precision from unnest(v_gone) i;
    return query
    select 'OPENED', o.trigger_id, o.window_id, null, null, null, null::integer,
           extract(epoch from o.deadline_at - o.opened_at)::double precision
      from unnest(v_opened) o where o.state = 'OPEN';
end $$;

-- Closes windows whose deadline has come, at most p_limit (few: their heads stay locked until the commit). A head that
-- somebody holds is passed over: a flush that holds it closes its window itself. Returns CLOSED rows as above.
create function trigger.close_expired(p_limit integer, p_execution_ids text[], p_now timestamptz default null)
returns table (
    what text, trigger_id bigint, window_id bigint, public_trigger_id text, execution_id text, reason text, size integer,
    seconds double precision)
language plpgsql as $$
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

-- Makes a run final, with its execution, and gives the turn to the task's next one. With p_lost it is the rescuer's word on
-- a runner whose lease ran out: then the lease is taken too, so that nothing more of that runner is believed.
-- job.run.completed waits p_artifact_seconds for artifacts, or goes out at once if that is 0.
-- Answers: FINISHED, REPEATED (it was final, by the same lease), LEASE_LOST (not this lease's, or no such run).
create function trigger.finish_run(
    p_run_id bigint, p_lease_id bigint, p_account_id bigint, p_lost boolean, p_state text, p_reason text, p_message text,
    p_exit_code integer, p_execution_reason text, p_artifact_seconds double precision, p_now timestamptz default null)
returns table (answer text, account_id bigint, task_id bigint, execution_id text, attempts integer, seconds double precision)
language plpgsql as $$
#variable_conflict use_column
declare
    r trigger.run;
    e text;
    t timestamptz;
    v_task bigint;
    v_next bigint;
begin
    perform from trigger.task k
      where k.task_id = (select x.task_id from trigger.run x where x.run_id = p_run_id) for no key update;
    select x.* into r from trigger.run x where x.run_id = p_run_id for no key update;
    t := coalesce(p_now, clock_timestamp());
    if r.lease_id is distinct from p_lease_id or (p_account_id is not null and r.account_id <> p_account_id) then
        return query select 'LEASE_LOST', null::bigint, null::bigint, null, null::integer, null::double precision;
        return;
    end if;
    if r.finished_at is not null or (p_lost and r.lease_until > t) then
        return query select 'REPEATED', null::bigint, null::bigint, null, null::integer, null::double precision;
        return;
    end if;
    update trigger.run x
       set state = p_state, reason = p_reason, message = p_message, exit_code = p_exit_code, finished_at = t,
           lease_id = case when p_lost then null else x.lease_id end, lease_until = null,
           artifacts_due_at = case when p_artifact_seconds > 0 then t + make_interval(secs => p_artifact_seconds) end
     where x.run_id = p_run_id;
    insert into trigger.outbox (run_id, event_type, event_at, run_state, message, started_at, finished_at)
    select p_run_id, n.event_type, t, p_state, p_message, r.started_at, t
      from unnest(array['job.run.errored', 'job.run.completed']) with ordinality as n (event_type, place)
     where case n.event_type when 'job.run.errored' then p_state = 'FAILED' else p_artifact_seconds <= 0 end
     order by n.place;
    update trigger.execution x
       set state = p_state, reason = p_execution_reason, finished_at = t
     where x.execution_id = r.execution_id
    returning x.public_id into e;
    -- The next one of the task. Compared as rows, so that only execution_waiting gives this order: with an equation the
    -- planner may walk all executions in the order of their key instead.
    select y.task_id, y.execution_id into v_task, v_next
      from trigger.execution y
     where (y.task_id, y.execution_id) >= (r.task_id, 0) and y.turn_at is null and y.finished_at is null
     order by y.task_id, y.execution_id
     limit 1;
    if v_task = r.task_id and not exists (
            select from trigger.execution y
             where y.task_id = r.task_id and y.exclusive and y.turn_at is not null and y.finished_at is null) then
        update trigger.execution x set turn_at = t where x.execution_id = v_next;
        update trigger.run x set due_at = t where x.execution_id = v_next and x.state = 'PENDING';
    end if;
    return query select 'FINISHED', r.account_id, r.task_id, e, r.attempts::integer,
                        extract(epoch from t - coalesce(r.started_at, t))::double precision;
end $$;

grant select, insert, update, delete on all tables in schema trigger to runhook_trigger;
grant usage on all sequences in schema trigger to runhook_trigger;
grant execute on all functions in schema trigger to runhook_trigger;
