-- What all migrations make, as pg_dump 18 says it. Written by `make schema`; never edited.

-- Name: delivery; Type: SCHEMA; Schema: -; Owner: -

CREATE SCHEMA delivery;

-- Name: runhook; Type: SCHEMA; Schema: -; Owner: -

CREATE SCHEMA runhook;

-- Name: subscription; Type: SCHEMA; Schema: -; Owner: -

CREATE SCHEMA subscription;

-- Name: trigger; Type: SCHEMA; Schema: -; Owner: -

CREATE SCHEMA trigger;

-- Name: caller_of_token(bytea); Type: FUNCTION; Schema: runhook; Owner: -

CREATE FUNCTION runhook.caller_of_token(p_token_hash bytea) RETURNS TABLE(account_id bigint, permission_set text)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog'
    AS $$
    select t.account_id, t.permission_set
      from subscription.service_token t
     where t.token_hash = p_token_hash
       and t.revoked_at is null
       and (t.expires_at is null or t.expires_at > pg_catalog.clock_timestamp())
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
        order by c.relname
    loop
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

-- Name: event; Type: TABLE; Schema: delivery; Owner: -

CREATE TABLE delivery.event (
    published_at timestamp with time zone NOT NULL,
    event_id text NOT NULL COLLATE pg_catalog."C",
    account_id bigint NOT NULL,
    event_type text NOT NULL COLLATE pg_catalog."C",
    job_id bigint NOT NULL,
    event_time_ns bigint NOT NULL,
    data bytea NOT NULL,
    CONSTRAINT event_event_id_check CHECK ((event_id ~ '^wev_[0-9A-Za-z]{27}$'::text))
)
PARTITION BY RANGE (published_at);
ALTER TABLE ONLY delivery.event ALTER COLUMN data SET STORAGE EXTERNAL;

-- Name: lane; Type: TABLE; Schema: delivery; Owner: -

CREATE TABLE delivery.lane (
    subscription_id bigint NOT NULL,
    next_due_at timestamp with time zone,
    last_status_code smallint DEFAULT 0 NOT NULL,
    last_attempt_at timestamp with time zone
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
    CONSTRAINT queue_attempts_check CHECK ((attempts >= 0)),
    CONSTRAINT queue_check CHECK (((lease_id IS NULL) OR (NOT parked)))
)
WITH (autovacuum_vacuum_scale_factor='0', autovacuum_vacuum_threshold='20000', autovacuum_vacuum_cost_delay='0', autovacuum_vacuum_insert_threshold='-1', autovacuum_analyze_scale_factor='0', autovacuum_analyze_threshold='20000');

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

-- Name: interest; Type: TABLE; Schema: subscription; Owner: -

CREATE TABLE subscription.interest (
    account_id bigint NOT NULL,
    event_type text NOT NULL COLLATE pg_catalog."C",
    job_id bigint NOT NULL,
    subscription_id bigint NOT NULL
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

-- Name: attempt attempt_pkey; Type: CONSTRAINT; Schema: delivery; Owner: -

ALTER TABLE ONLY delivery.attempt
    ADD CONSTRAINT attempt_pkey PRIMARY KEY (delivery_id, id, attempted_at);

-- Name: delivery delivery_pkey; Type: CONSTRAINT; Schema: delivery; Owner: -

ALTER TABLE ONLY delivery.delivery
    ADD CONSTRAINT delivery_pkey PRIMARY KEY (id, finished_at);

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

-- Name: interest interest_pkey; Type: CONSTRAINT; Schema: subscription; Owner: -

ALTER TABLE ONLY subscription.interest
    ADD CONSTRAINT interest_pkey PRIMARY KEY (account_id, event_type, job_id, subscription_id);

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

-- Name: delivery_subscription; Type: INDEX; Schema: delivery; Owner: -

CREATE INDEX delivery_subscription ON ONLY delivery.delivery USING btree (subscription_id, id);

-- Name: lane_due; Type: INDEX; Schema: delivery; Owner: -

CREATE INDEX lane_due ON delivery.lane USING btree (next_due_at) WHERE (next_due_at IS NOT NULL);

-- Name: publish_request_age; Type: INDEX; Schema: delivery; Owner: -

CREATE INDEX publish_request_age ON delivery.publish_request USING brin (published_at);

-- Name: queue_due; Type: INDEX; Schema: delivery; Owner: -

CREATE INDEX queue_due ON delivery.queue USING btree (due_at) WHERE ((lease_id IS NULL) AND (NOT parked));

-- Name: queue_parked; Type: INDEX; Schema: delivery; Owner: -

CREATE INDEX queue_parked ON delivery.queue USING btree (subscription_id, due_at) WHERE parked;

-- Name: interest_subscription; Type: INDEX; Schema: subscription; Owner: -

CREATE INDEX interest_subscription ON subscription.interest USING btree (subscription_id);

-- Name: service_token_account; Type: INDEX; Schema: subscription; Owner: -

CREATE INDEX service_token_account ON subscription.service_token USING btree (account_id);

-- Name: signing_secret_subscription; Type: INDEX; Schema: subscription; Owner: -

CREATE INDEX signing_secret_subscription ON subscription.signing_secret USING btree (subscription_id, id);

-- Name: subscription_account; Type: INDEX; Schema: subscription; Owner: -

CREATE INDEX subscription_account ON subscription.subscription USING btree (account_id, id) WHERE (deleted_at IS NULL);

-- Name: interest interest_subscription_id_fkey; Type: FK CONSTRAINT; Schema: subscription; Owner: -

ALTER TABLE ONLY subscription.interest
    ADD CONSTRAINT interest_subscription_id_fkey FOREIGN KEY (subscription_id) REFERENCES subscription.subscription(id) ON DELETE CASCADE;

-- Name: service_token service_token_account_id_fkey; Type: FK CONSTRAINT; Schema: subscription; Owner: -

ALTER TABLE ONLY subscription.service_token
    ADD CONSTRAINT service_token_account_id_fkey FOREIGN KEY (account_id) REFERENCES subscription.account(account_id);

-- Name: signing_secret signing_secret_subscription_id_fkey; Type: FK CONSTRAINT; Schema: subscription; Owner: -

ALTER TABLE ONLY subscription.signing_secret
    ADD CONSTRAINT signing_secret_subscription_id_fkey FOREIGN KEY (subscription_id) REFERENCES subscription.subscription(id) ON DELETE CASCADE;

-- Name: subscription subscription_account_id_fkey; Type: FK CONSTRAINT; Schema: subscription; Owner: -

ALTER TABLE ONLY subscription.subscription
    ADD CONSTRAINT subscription_account_id_fkey FOREIGN KEY (account_id) REFERENCES subscription.account(account_id);

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

-- Name: TABLE attempt; Type: ACL; Schema: delivery; Owner: -

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE delivery.attempt TO runhook_delivery;

-- Name: TABLE delivery; Type: ACL; Schema: delivery; Owner: -

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE delivery.delivery TO runhook_delivery;

-- Name: SEQUENCE delivery_id; Type: ACL; Schema: delivery; Owner: -

GRANT USAGE ON SEQUENCE delivery.delivery_id TO runhook_delivery;

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

-- Name: TABLE schema_migration; Type: ACL; Schema: runhook; Owner: -

GRANT SELECT ON TABLE runhook.schema_migration TO runhook_subscription;
GRANT SELECT ON TABLE runhook.schema_migration TO runhook_delivery;
GRANT SELECT ON TABLE runhook.schema_migration TO runhook_trigger;

-- Name: TABLE account; Type: ACL; Schema: subscription; Owner: -

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE subscription.account TO runhook_subscription;

-- Name: TABLE interest; Type: ACL; Schema: subscription; Owner: -

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE subscription.interest TO runhook_subscription;
GRANT SELECT ON TABLE subscription.interest TO runhook_delivery;

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

-- Name: DEFAULT PRIVILEGES FOR FUNCTIONS; Type: DEFAULT ACL; Schema: -; Owner: -

ALTER DEFAULT PRIVILEGES FOR ROLE runhook REVOKE ALL ON FUNCTIONS FROM PUBLIC;
