-- Who serves: the pods of trigger_svc that are there, with the runners that hold a stream to each. Nothing depends on it but what
-- people look at: runs are leased to runners, and no lease is a pod's.

create table trigger.pod (
    pod_id uuid primary key,  -- new with every start
    name text not null,
    started_at timestamptz not null default clock_timestamp(),
    heartbeat_at timestamptz not null default clock_timestamp(),
    -- [{"name": text, "account_id": number or null (one of ours), "free_slots": number}, ...]
    runners jsonb not null default '[]' check (jsonb_typeof(runners) = 'array')
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

grant select, insert, update, delete on trigger.pod to runhook_trigger;
