-- Executions by their state, for lists and metrics; and an end for those that would wait for ever.

create index execution_state on trigger.execution (account_id, state, execution_id);
create index execution_target_state on trigger.execution (target, state, execution_id);
create index execution_unfinished on trigger.execution (state, created_at) where finished_at is null;

-- Rejects an execution that has not begun although it was made at p_before or earlier, whatever it waits for: room, its turn, the end of
-- a pause, a runner. Its payload is kept, its runs are gone as if there never had been room for it. False when it has begun or ended, or
-- is younger.
create function trigger.give_up_waiting(p_execution_id bigint, p_before timestamptz, p_now timestamptz default null) returns boolean
language plpgsql as $$
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

grant execute on all functions in schema trigger to runhook_trigger;
