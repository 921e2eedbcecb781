-- What issue and contract want of tasks, plans, triggers and executions beyond one webhook on one task: the tables. What decides under a
-- lock is in the next two migrations.

-- Queue limit: how many executions of it may wait or run, what becomes of those beyond, which ones count. Paused: executions wait.
-- The version is what an update may insist on (the API's etag).
alter table trigger.task
    add column queue_limit integer not null default 50 check (queue_limit between 1 and 10000),
    add column queue_mode text not null default 'fail' check (queue_mode in ('fail', 'reject', 'hold')),
    add column queue_count text not null default 'concurrent' check (queue_count in ('concurrent', 'rolling')),
    add column paused boolean not null default false,
    add column version bigint not null default 1;

-- Ordered steps of tasks.
create table trigger.plan (
    plan_id bigint generated always as identity primary key,
    account_id bigint not null check (account_id > 0),
    name text not null check (name <> ''),
    failure_handler_task_id bigint references trigger.task,
    timeout_seconds integer not null check (timeout_seconds between 60 and 86400),
    allow_parallel_runs boolean not null,
    queue_limit integer not null check (queue_limit between 1 and 10000),
    queue_mode text not null check (queue_mode in ('fail', 'reject', 'hold')),
    queue_count text not null check (queue_count in ('concurrent', 'rolling')),
    paused boolean not null default false,
    version bigint not null default 1,
    created_at timestamptz not null default clock_timestamp()
);
create index plan_account on trigger.plan (account_id, plan_id);

create table trigger.plan_step (
    plan_id bigint not null references trigger.plan on delete cascade,
    step integer not null check (step > 0),  -- from 1
    name text not null default '',
    primary key (plan_id, step)
);
create table trigger.plan_step_task (
    plan_id bigint not null,
    step integer not null,
    task_id bigint not null references trigger.task,
    primary key (plan_id, step, task_id),
    foreign key (plan_id, step) references trigger.plan_step on delete cascade
);
create index plan_step_task_task on trigger.plan_step_task (task_id);
create index plan_failure_handler on trigger.plan (failure_handler_task_id) where failure_handler_task_id is not null;

-- A task or plan has one webhook, or others; never both. Of which sort they are is one row for each target; its triggers refer to it
-- with their own sort, so that another one is refused by the foreign key. Who deletes the last trigger deletes the row.
create table trigger.target (
    target text collate "C" primary key check (target ~ '^(task|plan):\d+$'),
    sort text not null check (sort in ('webhook', 'schedule')),
    unique (target, sort)
);
insert into trigger.target (target, sort) select 'task:' || task_id, 'webhook' from trigger.trigger;
alter table trigger.trigger
    drop constraint trigger_one_webhook_per_task,
    drop constraint trigger_data_mode_check,
    drop constraint trigger_name_check,
    alter column task_id drop not null,
    add column plan_id bigint references trigger.plan,
    add column kind text not null default 'webhook' check (kind in ('webhook', 'once', 'cron')),
    add column enabled boolean not null default true,  -- of a webhook, trigger.head has it too
    add column cron_expression text,
    add column time_zone text,
    add column start_at timestamptz,  -- of kind once
    add column next_start_at timestamptz,  -- of kinds once and cron: when it starts the next execution; null: never again
    -- How calls prove whom they are from: the message Verification, without its secrets, as JSON; null: they need not.
    add column verification jsonb,
    -- What else its URL takes: the message CallRules as JSON; null: nothing.
    add column call_rules jsonb,
    add column version bigint not null default 1,
    add constraint trigger_name_check check (name ~ '^[A-Za-z0-9_#-]{1,100}$' and (kind <> 'webhook' or name !~ '[#-]')),
    add constraint trigger_data_mode_check check (data_mode in ('string', 'object', 'talend_raw')),
    add constraint trigger_one_target check (num_nonnulls(task_id, plan_id) = 1),
    add column target text collate "C" not null generated always as
        (case when plan_id is null then 'task:' || task_id else 'plan:' || plan_id end) stored,
    add column sort text not null generated always as (case when kind = 'webhook' then 'webhook' else 'schedule' end) stored,
    add constraint trigger_schedule check (
        (kind = 'cron') = (cron_expression is not null and time_zone is not null) and (kind = 'once') = (start_at is not null)
        and (kind <> 'webhook' or next_start_at is null)),
    add constraint trigger_sort foreign key (target, sort) references trigger.target (target, sort);
create unique index trigger_one_webhook_per_task on trigger.trigger (task_id) where kind = 'webhook';
create unique index trigger_one_webhook_per_plan on trigger.trigger (plan_id) where kind = 'webhook';
create index trigger_task on trigger.trigger (task_id);
create index trigger_plan on trigger.trigger (plan_id);
create index trigger_due on trigger.trigger (next_start_at) where next_start_at is not null and enabled;

-- The secrets of a trigger's verification, at most two: sealed, bound to 'verification:<trigger_id>'.
create table trigger.verification_secret (
    trigger_id bigint not null references trigger.trigger on delete cascade,
    place smallint not null check (place between 1 and 2),
    sealed bytea not null,
    primary key (trigger_id, place)
);

-- Who saw a secret or threw calls away. For auditors; kept a year.
create table trigger.audit (
    audit_id bigint generated always as identity primary key,
    account_id bigint not null,
    trigger_id bigint not null,
    public_trigger_id text not null,
    what text not null check (what in ('token_revealed', 'token_regenerated', 'window_discarded')),
    token_id bigint,  -- the service token that asked
    happened_at timestamptz not null default clock_timestamp()
);
create index audit_account on trigger.audit (account_id, audit_id);

-- What came before: a call with the same key is not taken again. Deleted in batches by age, after 7 days.
create table trigger.call_dedupe (
    trigger_id bigint not null,
    dedupe_key bytea not null check (octet_length(dedupe_key) = 32),  -- SHA-256 of the sender's own id
    call_id text collate "C" not null,
    received_at timestamptz not null,
    primary key (trigger_id, dedupe_key)
);
create index call_dedupe_age on trigger.call_dedupe using brin (received_at);

alter table trigger.window
    drop constraint window_close_reason_check,
    add constraint window_close_reason_check check (close_reason in ('threshold', 'deadline', 'bytes', 'disabled', 'flush'));

-- An execution is of a task or of a plan. `payload_of` is the execution whose window or stored payload it takes: its own, or of a
-- rerun the first one's.
alter table trigger.execution
    alter column task_id drop not null,
    add column plan_id bigint,
    add column cause text not null default 'webhook' check (cause in ('webhook', 'once', 'cron', 'manual', 'rerun')),
    add column rerun_of bigint,
    add column payload_of bigint,  -- null: its own
    add column parameters jsonb,   -- values that take the place of defaults; null: none
    add column run_reason text,    -- null: made from the cause
    add column request_id text collate "C",
    add column step integer not null default 0,  -- of a plan: the one that it is at
    add column failed_step integer,              -- of a plan: the first in which a run failed
    add column handling boolean not null default false,  -- of a plan: its failure handler was started
    add column plan jsonb,         -- as it was when this was made: {"steps": [[task_id, ...], ...], "failure_handler_task_id": ...}
    add column deadline_at timestamptz,          -- of a plan: when it is timed out; set when it starts
    add constraint execution_one_target check (num_nonnulls(task_id, plan_id) = 1),
    drop constraint execution_check1,
    add constraint execution_reason check (reason = '' or state in ('FAILED', 'REJECTED', 'CANCELLED'));
create unique index execution_plan_turn on trigger.execution (plan_id)
    where exclusive and turn_at is not null and finished_at is null;
create index execution_plan_waiting on trigger.execution (plan_id, execution_id) where turn_at is null and finished_at is null;
create index execution_plan on trigger.execution (plan_id, execution_id);
create unique index execution_request on trigger.execution (account_id, request_id) where request_id is not null;
create index execution_deadline on trigger.execution (deadline_at) where deadline_at is not null and finished_at is null;
create index execution_trigger on trigger.execution (trigger_id, execution_id);
create index execution_payload_of on trigger.execution (payload_of) where payload_of is not null;

-- The payload of an execution that was started by hand.
create table trigger.execution_payload (
    execution_id bigint primary key,
    payload bytea not null check (octet_length(payload) between 1 and 8388608),
    created_at timestamptz not null default clock_timestamp()
);
alter table trigger.execution_payload alter column payload set storage external;

alter table trigger.run
    drop constraint run_reason_check,
    add constraint run_reason_check
        check (reason in ('', 'command_failed', 'timed_out', 'runner_lost', 'not_runnable', 'parameter_missing', 'cancelled')),
    add column step integer,  -- of a plan: its step, 0 for the failure handler
    add column takes_payload boolean not null default true,  -- whether its task declares resource_webhook_payload
    add column summary text,  -- JSON that a preset made of its results
    add column log_bytes bigint not null default 0,
    add column log_truncated boolean not null default false;

-- What a run printed, in pieces by where they begin.
create table trigger.run_log (
    started_day date not null,  -- UTC, of its run's start
    run_id bigint not null,
    byte_offset bigint not null,
    chunk bytea not null check (octet_length(chunk) between 1 and 262144),
    primary key (started_day, run_id, byte_offset)
) partition by range (started_day);
alter table trigger.run_log alter column chunk set storage main;  -- text that compresses well
insert into runhook.partitioned_table (parent, retention_days) values ('trigger.run_log', 30);

grant select, insert, update, delete on all tables in schema trigger to runhook_trigger;
grant usage on all sequences in schema trigger to runhook_trigger;
