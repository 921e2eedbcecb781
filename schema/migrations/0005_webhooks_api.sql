-- The webhooks API made whole: tokens that tell when they were used, secrets beside the signing secret, Recent Deliveries.

-- To within five minutes: a write per call would cost more than the call.
alter table subscription.service_token add column last_used_at timestamptz;

-- One secret lives until it is replaced; a second one is on its way out.
create unique index signing_secret_lasting on subscription.signing_secret (subscription_id) where expires_at is null;

-- What else of a subscription is secret: encrypted under the key ring, bound to '<kind>:<id of the subscription>'.
create table subscription.secret_setting (
    subscription_id bigint not null references subscription.subscription on delete cascade,
    kind text collate "C" not null check (kind in ('custom_headers')),
    sealed bytea not null,
    primary key (subscription_id, kind)
);
grant select, insert, update, delete on subscription.secret_setting to runhook_subscription;
grant select on subscription.secret_setting to runhook_delivery;

-- Public ids of accounts stand in Recent Deliveries.
grant select (account_id, public_id) on subscription.account to runhook_delivery;

-- As before, and it notes that the token was used; a row that another call notes at this moment is left to it.
drop function runhook.caller_of_token(bytea);
create function runhook.caller_of_token(p_token_hash bytea)
returns table (account_id bigint, permission_set text, token_id bigint)
language sql volatile security definer set search_path = pg_catalog
as $$
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
revoke all on function runhook.caller_of_token(bytea) from public;
grant execute on function runhook.caller_of_token(bytea) to runhook_subscription, runhook_delivery, runhook_trigger;

-- Recent Deliveries: by when they were published, newest first; the few that did not succeed have a line of their own.
drop index delivery.delivery_subscription;
create index delivery_recent on delivery.delivery (subscription_id, published_at, id);
create index delivery_not_succeeded on delivery.delivery (subscription_id, published_at, id) where state <> 'SUCCEEDED';
alter table delivery.delivery add column test boolean not null default false;  -- sent by hand to try an endpoint
-- Of unfinished ones those that were tried: a row that is born leased and done at once never enters it.
create index queue_tried on delivery.queue (subscription_id, published_at, id) where attempts > 0;

-- Deliveries, not attempts, that failed since the last one that succeeded: what deactivation goes by.
alter table delivery.lane
    add column consecutive_failures int not null default 0 check (consecutive_failures >= 0),
    add column failing_since timestamptz,
    add check ((failing_since is null) = (consecutive_failures = 0));
create index lane_failing on delivery.lane (failing_since) where failing_since is not null;
