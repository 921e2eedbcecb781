-- An old token ends at once, whatever a pod remembers of it. Executions that fail at birth, told to whoever closes their window. Who
-- deleted a trigger, and by which id its executions are still asked for.

-- Tokens have generations, which rise. A trigger's head has that of the oldest which counts, and until when that one does (null: it
-- lives on); so what becomes of an old one is decided where all is decided about a call. 0: whichever the look-up has found.
alter table trigger.token add column generation bigint not null generated always as identity;
alter table trigger.head
    add column oldest_generation bigint not null default 0,
    add column oldest_until timestamptz;

alter table trigger.audit
    drop constraint audit_what_check,
    add constraint audit_what_check
        check (what in ('token_revealed', 'token_regenerated', 'window_discarded', 'trigger_deleted'));
create index audit_deleted on trigger.audit (trigger_id) where what = 'trigger_deleted';
create index audit_deleted_public on trigger.audit (public_trigger_id) where what = 'trigger_deleted';

-- Makes the execution of each window that the caller's transaction closes; the caller holds the heads' locks.
-- `p_execution_ids` has at least as many new public ids. Returns one row for each, in the windows' order: CLOSED, or FAILED
-- when the execution failed at birth.
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
    select case e.state when 'FAILED' then 'FAILED' else 'CLOSED' end, w.trigger_id, w.window_id, g.public_id, e.public_id,
           w.close_reason, w.size, extract(epoch from w.closed_at - w.deadline_at)::double precision
      from trigger.enqueue(v_wishes, v_now) e
      join unnest(p_closed) w on w.window_id = e.window_id
      join trigger.trigger g on g.trigger_id = w.trigger_id
     order by w.window_id;
end $$;

-- Takes one flush of calls in. Triggers ascend, each once; the calls of trigger k are those from p_firsts[k] on,
-- p_counts[k] of them, and the oldest token by which they came is of p_generations[k]; null: that does not matter. p_sizes is what a
-- call adds to its window's payload: its element and a comma or bracket.
-- p_data_modes is the form in which a call is shown, null for 'string'; p_dedupe_keys what it is known by again, null where
-- nothing is; both are null where they would hold nothing else. p_pausing are the triggers that take nothing while their task or
-- plan is paused, p_rejecting those whose full queue opens no window. p_execution_ids has a new id for each window that may
-- close here: calls + triggers. p_now is for tests.
--
-- A head that somebody else holds is passed over, unless p_patient: then it is waited for (lock_timeout). Rows returned:
--   TAKEN   a trigger whose calls are in        GONE    a trigger that is not there or disabled: nothing of it is in
--   ENDED   a trigger for which that oldest token counts no more: nothing of it is in
--   CLOSED  a window, with its execution; seconds after its deadline     FAILED  the same, if that execution failed at birth
--   OPENED  a window that is still open; seconds until its deadline
--   PAUSED  a trigger whose task or plan is paused: nothing of it is in
--   DUPLICATE, REFUSED  a call of a TAKEN trigger that is not in, by its place: the call that it repeats; or the queue is full
-- A trigger with neither TAKEN, GONE, ENDED nor PAUSED was passed over. Raises string_data_right_truncation for a call that is larger
-- than a window may be, lock_not_available when a lock was waited for in vain.
create function trigger.receive_calls(
    p_group_id uuid, p_trigger_ids bigint[], p_firsts integer[], p_counts integer[], p_generations bigint[],
    p_call_ids text[], p_media_types text[], p_bodies bytea[], p_sizes integer[], p_data_modes text[], p_dedupe_keys bytea[],
    p_pausing bigint[], p_rejecting bigint[], p_execution_ids text[], p_patient boolean, p_now timestamptz default null)
returns table (
    what text, trigger_id bigint, window_id bigint, public_trigger_id text, execution_id text, reason text, size integer,
    seconds double precision, place integer, call_id text)
language plpgsql as $$
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

-- For pods that are older than this migration, which call it until they are replaced: they ask for no generation, and know no FAILED.
create or replace function trigger.receive_calls(
    p_group_id uuid, p_trigger_ids bigint[], p_firsts integer[], p_counts integer[], p_call_ids text[],
    p_media_types text[], p_bodies bytea[], p_sizes integer[], p_data_modes text[], p_dedupe_keys bytea[],
    p_pausing bigint[], p_rejecting bigint[], p_execution_ids text[], p_patient boolean, p_now timestamptz default null)
returns table (
    what text, trigger_id bigint, window_id bigint, public_trigger_id text, execution_id text, reason text, size integer,
    seconds double precision, place integer, call_id text)
language sql as $$
    select case r.what when 'FAILED' then 'CLOSED' else r.what end, r.trigger_id, r.window_id, r.public_trigger_id, r.execution_id,
           r.reason, r.size, r.seconds, r.place, r.call_id
      from trigger.receive_calls(p_group_id, p_trigger_ids, p_firsts, p_counts, null, p_call_ids, p_media_types, p_bodies, p_sizes,
                                 p_data_modes, p_dedupe_keys, p_pausing, p_rejecting, p_execution_ids, p_patient, p_now) r
$$;
-- That of 0004 has no such pods any more.
drop function trigger.receive_calls(
    uuid, bigint[], integer[], integer[], text[], text[], bytea[], integer[], text[], boolean, timestamptz);

grant execute on all functions in schema trigger to runhook_trigger;
