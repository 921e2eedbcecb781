-- An event in, signed POSTs out, every attempt remembered. Owner: delivery_svc.

-- A pod's life, proved by its heartbeat. An epoch is what leases carry; a pod that was declared dead takes a new one.
create table delivery.pod (
    epoch bigint generated always as identity primary key,
    name text not null,
    started_at timestamptz not null default clock_timestamp(),
    heartbeat_at timestamptz not null default clock_timestamp(),
    dead_at timestamptz  -- declared dead; its leases are freed until the row is pruned
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

-- An immutable fact. `data` is rendered once, here, so that every attempt and redelivery sends the same bytes.
create table delivery.event (
    published_at timestamptz not null,
    event_id text collate "C" not null check (event_id ~ '^wev_[0-9A-Za-z]{27}$'),
    account_id bigint not null,
    event_type text collate "C" not null,
    job_id bigint not null,
    event_time_ns bigint not null,  -- nanoseconds since the epoch: the payload's "timestamp" has up to nine digits
    data bytea not null,
    primary key (event_id, published_at)
) partition by range (published_at);
alter table delivery.event alter column data set storage external;  -- compressing costs more than the disk it saves

-- What makes publishing idempotent: not partitioned, since a unique key over partitions would be unique per day only.
create table delivery.publish_request (
    account_id bigint not null,
    request_id text collate "C" not null,
    body_hash bytea not null,
    event_id text collate "C" not null,
    published_at timestamptz not null,
    primary key (account_id, request_id)
);
create index publish_request_age on delivery.publish_request using brin (published_at);

-- Unfinished deliveries only: a row is gone when its delivery is done.
--   free    lease_id is null and not parked: any pod may claim it from due_at on (PENDING)
--   leased  lease_id is a pod's epoch: that pod alone sends it, until its heartbeat ends (DELIVERING)
--   parked  its lane is full: off the common index, drawn by lane
create sequence delivery.delivery_id;
create table delivery.queue (
    id bigint primary key,  -- of delivery.delivery_id; stays the delivery's id when it is done
    event_id text collate "C" not null,
    published_at timestamptz not null,  -- with event_id the key of the event
    subscription_id bigint not null,
    account_id bigint not null,
    webhook_name text not null,  -- as it was at publish: the body must not change with a later rename
    attempts smallint not null default 0 check (attempts >= 0),
    due_at timestamptz not null,
    lease_id bigint,
    parked boolean not null default false,
    check (lease_id is null or not parked)
) with (
    autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000, autovacuum_vacuum_cost_delay = 0,
    autovacuum_vacuum_insert_threshold = -1, autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 20000
);
-- The one hot index: a born-leased row never enters it, so that it stays small whatever the traffic.
create index queue_due on delivery.queue (due_at) where lease_id is null and not parked;
create index queue_parked on delivery.queue (subscription_id, due_at) where parked;

-- What became of a delivery, written by the statement that takes it off the queue.
create table delivery.delivery (
    finished_at timestamptz not null,
    id bigint not null,
    event_id text collate "C" not null,
    published_at timestamptz not null,
    subscription_id bigint not null,
    account_id bigint not null,
    webhook_name text not null,
    attempts smallint not null,
    state text not null check (state in ('SUCCEEDED', 'FAILED', 'CANCELLED')),
    reason text not null default '',  -- why it was CANCELLED or FAILED; empty when it SUCCEEDED
    primary key (id, finished_at)
) partition by range (finished_at);
create index delivery_subscription on delivery.delivery (subscription_id, id);

-- One HTTP exchange each, append-only. The id is made by the pod (epoch and counter), so that a repeated flush is harmless
-- and an attempt that was really made is never lost.
create table delivery.attempt (
    attempted_at timestamptz not null,
    delivery_id bigint not null,
    id bigint not null,
    subscription_id bigint not null,
    number smallint not null check (number > 0),
    manual boolean not null default false,
    outcome text not null check (outcome in ('succeeded', 'retryable')),
    status_code smallint not null check (status_code >= 0),  -- 0: no answer
    error text not null,   -- class of what went wrong below HTTP; none when there was an answer
    detail text not null,  -- one sentence for people
    duration_us bigint not null,
    response_body bytea not null,  -- its first 4 KiB
    primary key (delivery_id, id, attempted_at)
) partition by range (attempted_at);

-- A subscription's place in the dispatcher, shared by all pods, and its endpoint's health.
create table delivery.lane (
    subscription_id bigint primary key,
    next_due_at timestamptz,  -- when parked rows may be drawn again; null: none is parked
    last_status_code smallint not null default 0,  -- of the last answer; 0: there never was one
    last_attempt_at timestamptz
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
create index lane_due on delivery.lane (next_due_at) where next_due_at is not null;

insert into runhook.partitioned_table (parent, retention_days)
values ('delivery.event', 30), ('delivery.delivery', 30), ('delivery.attempt', 30);

grant select, insert, update, delete on all tables in schema delivery to runhook_delivery;
grant usage on all sequences in schema delivery to runhook_delivery;

-- Declared read of subscription_svc: an endpoint's health.
grant usage on schema delivery to runhook_subscription;
grant select on delivery.lane to runhook_subscription;
