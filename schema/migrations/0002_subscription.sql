-- Who wants what, where, signed how; accounts and their service tokens. Owner: subscription_svc.

create table subscription.account (
    account_id bigint primary key check (account_id > 0),  -- the caller's number; goes out as "accountId"
    public_id text collate "C" not null unique check (public_id ~ '^act_[0-9A-Za-z]{27}$'),
    name text not null,
    plan text not null default 'enterprise' check (plan in ('enterprise', 'team')),
    created_at timestamptz not null default clock_timestamp()
);

-- A token is 256 random bits and stored as its SHA-256 alone: a slow hash would protect nothing that can be guessed.
create table subscription.service_token (
    token_id bigint generated always as identity primary key,
    account_id bigint not null references subscription.account,
    token_hash bytea not null unique check (octet_length(token_hash) = 32),
    name text not null,
    permission_set text not null check (permission_set in (
        'account_admin', 'admin', 'developer', 'member', 'webhooks_only', 'read_only', 'publisher', 'runner')),
    created_at timestamptz not null default clock_timestamp(),
    expires_at timestamptz,  -- null: never
    revoked_at timestamptz   -- null: it lives
);
create index service_token_account on subscription.service_token (account_id);

create table subscription.subscription (
    id bigint generated always as identity primary key,  -- inner key; queue rows carry it
    public_id text collate "C" not null unique check (public_id ~ '^wsu_[0-9A-Za-z]{27}$'),
    account_id bigint not null references subscription.account,
    name text not null check (name <> ''),
    description text not null,
    job_ids bigint[] not null,  -- empty: every job
    event_types text[] not null check (cardinality(event_types) > 0),
    client_url text not null,
    active boolean not null,
    deactivate_reason text,
    version bigint not null default 1,  -- raised by every change: what delivery_svc remembers of it is then read anew
    created_at timestamptz not null default clock_timestamp(),
    updated_at timestamptz not null default clock_timestamp(),
    deleted_at timestamptz,
    check (deactivate_reason is null or not active)
);
create index subscription_account on subscription.subscription (account_id, id) where deleted_at is null;

-- Encrypted under the key ring, bound to 'signing_secret:<id of the subscription>'. Two may live while one rotates; the oldest
-- signs `Authorization`.
create table subscription.signing_secret (
    id bigint generated always as identity primary key,
    subscription_id bigint not null references subscription.subscription on delete cascade,
    sealed bytea not null,
    created_at timestamptz not null default clock_timestamp(),
    expires_at timestamptz  -- null: it lives until another takes its place
);
create index signing_secret_subscription on subscription.signing_secret (subscription_id, id);

-- The fan-out's lookup: one row per event type and job of an active subscription, job 0 for "every job". Kept by the same
-- transaction that changes the subscription, so that matching an event is an index lookup however long job_ids is.
create table subscription.interest (
    account_id bigint not null,
    event_type text collate "C" not null,
    job_id bigint not null,
    subscription_id bigint not null references subscription.subscription on delete cascade,
    primary key (account_id, event_type, job_id, subscription_id)
);
create index interest_subscription on subscription.interest (subscription_id);

-- The one way in which every service learns whose token it was shown.
create function runhook.caller_of_token(p_token_hash bytea)
returns table (account_id bigint, permission_set text)
language sql stable security definer set search_path = pg_catalog
as $$
    select t.account_id, t.permission_set
      from subscription.service_token t
     where t.token_hash = p_token_hash
       and t.revoked_at is null
       and (t.expires_at is null or t.expires_at > pg_catalog.clock_timestamp())
$$;
revoke all on function runhook.caller_of_token(bytea) from public;
grant execute on function runhook.caller_of_token(bytea) to runhook_subscription, runhook_delivery, runhook_trigger;

grant select, insert, update, delete on all tables in schema subscription to runhook_subscription;
grant usage on all sequences in schema subscription to runhook_subscription;

-- Declared reads of delivery_svc: whom an event goes to, and how it is signed.
grant usage on schema subscription to runhook_delivery;
grant select on subscription.subscription, subscription.signing_secret, subscription.interest to runhook_delivery;
