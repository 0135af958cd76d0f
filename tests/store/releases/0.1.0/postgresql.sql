SET client_encoding = 'UTF8';
SELECT pg_catalog.set_config('search_path', '', false);
CREATE TABLE public.ort_account_shares (
    account_id character varying(40) NOT NULL,
    user_id character varying(255) NOT NULL
);
CREATE TABLE public.ort_activations (
    toolkit character varying(64) NOT NULL,
    activated_at timestamp with time zone NOT NULL
);
CREATE TABLE public.ort_api_tokens (
    id character varying(40) NOT NULL,
    token_hash character varying(64) NOT NULL,
    name character varying(100) NOT NULL,
    users json,
    created_at timestamp with time zone NOT NULL,
    last_used_at timestamp with time zone,
    revoked_at timestamp with time zone
);
CREATE TABLE public.ort_connected_accounts (
    id character varying(40) NOT NULL,
    toolkit character varying(64) NOT NULL,
    owner character varying(255) NOT NULL,
    alias character varying(100),
    status character varying(16) NOT NULL,
    reason text,
    for_everyone boolean NOT NULL,
    is_default boolean NOT NULL,
    version integer NOT NULL,
    sealed text,
    last_four json NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    connected_at timestamp with time zone,
    last_used_at timestamp with time zone
);
CREATE TABLE public.ort_links (
    id character varying(40) NOT NULL,
    kind character varying(16) NOT NULL,
    secret_hash character varying(64) NOT NULL,
    account_id character varying(40),
    toolkit character varying(64),
    owner character varying(255),
    return_address text,
    session_hash character varying(64),
    state_hash character varying(64),
    verifier text,
    created_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    used_at timestamp with time zone
);
CREATE TABLE public.ort_master_keys (
    key_id character varying(16) NOT NULL,
    proof character varying(64) NOT NULL,
    added_at timestamp with time zone NOT NULL
);
CREATE TABLE public.ort_return_addresses (
    address character varying(500) NOT NULL,
    created_at timestamp with time zone NOT NULL
);
CREATE TABLE public.ort_schema_version (
    version_num character varying(32) NOT NULL
);
CREATE TABLE public.ort_sessions (
    id_hash character varying(64) NOT NULL,
    created_at timestamp with time zone NOT NULL,
    last_seen_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    revoked_at timestamp with time zone
);
CREATE TABLE public.ort_switches (
    toolkit character varying(64) NOT NULL,
    action character varying(64) NOT NULL,
    off_at timestamp with time zone NOT NULL
);
INSERT INTO public.ort_account_shares VALUES ('ca_f09pp19O2D2OkKXuLXcp', 'alice');
INSERT INTO public.ort_account_shares VALUES ('ca_f09pp19O2D2OkKXuLXcp', 'bob');
INSERT INTO public.ort_account_shares VALUES ('ca_ulxNQTenfA5FPhPY6Xv4', 'alice');
INSERT INTO public.ort_activations VALUES ('ECHO', '2026-11-30 07:14:37.974993+00');
INSERT INTO public.ort_api_tokens VALUES ('tok_NXX5iYwALf8jN9uNYjxb', 'bc40055bb48e4b26cf11eb74775fb749d54cce8cb9e31458524af938001c1659', 'two users', '["alice", "bob"]', '2026-11-30 07:14:37.881951+00', NULL, NULL);
INSERT INTO public.ort_api_tokens VALUES ('tok_y8KVZEHSVa1mndV6iaxK', 'ab6a39de4d935a78d6fe648d5398d8e704e65d0ad7846b30493903d363254b40', 'revoked', NULL, '2026-11-30 07:14:37.893913+00', NULL, '2026-11-30 07:14:37.917028+00');
INSERT INTO public.ort_api_tokens VALUES ('tok_kJYJSZrwnpFdJtdPIX0V', '2052a2277640b2551c631adbf489ed84d054c60b8c586871c8a0c01ed077cd13', 'all users', NULL, '2026-11-30 07:14:37.866552+00', '2026-11-30 07:14:37.931557+00', NULL);
INSERT INTO public.ort_connected_accounts VALUES ('ca_0oIWrsiWTTtUgVOGSdo9', 'OPENROUTER', '', NULL, 'ACTIVE', NULL, false, false, 1, 's1.2e69e036c4f5d0f9.W7p1sF//hw4I+5aAPzr5evYbd2YLPeXVDn6RM1CMVRVgIjisrCSYzB3OGkRkWXxaTdk84XmjaJtV6As/oIdXpsGmydpvjpdoBabtS+7fzeQcHrzGfvEO0ZoA+FR5JH/G2O+svFpoksimAsZXmkfiwzw6w/Q=', '{"api_key": "bb88"}', '2026-11-30 07:14:37.666163+00', '2026-11-30 07:14:37.666163+00', '2026-11-30 07:14:37.668312+00', NULL);
INSERT INTO public.ort_connected_accounts VALUES ('ca_TA3Hk8ADaYrrwdiyKW2R', 'OPENROUTER', 'frank', 'new', 'INITIATED', NULL, false, false, 0, NULL, '{}', '2026-11-30 07:14:37.67402+00', '2026-11-30 07:14:37.67402+00', NULL, NULL);
INSERT INTO public.ort_connected_accounts VALUES ('ca_2weduMIUGs6kwesYtPiT', 'OPENROUTER', 'alice', 'work', 'ACTIVE', NULL, false, false, 1, 's1.c9bad3b31f03b7a8.qNeGm0WQlS9hpnaj9p3L8vhG7cSkJ7fGG3+igILuR/LVSZE6VH+JQuuZip8a/7khx0CE/Y3aJ1iTFxkMe6dav5tC+WF0BGTilA+QNPfkmoDwI6BrhDTK2TYNgBVMsrA5GBcNnNttQO+R18CARjO8LMLxWIUcWS1FEgg6uISldkVRXV2M3uHUdJnMOH4ufu1796cd1YwG/UeE+uSiExhxilTL7dyanwlVwW89MTREUEl2Ww5evCAfJxxbB466eDGJzM3AFPxzMdAk+PjkcurGcUAXuNtEI+8=', '{"api_key": "aa11", "management_api_key": "bb22"}', '2026-11-30 07:14:37.283268+00', '2026-11-30 07:14:37.283268+00', '2026-11-30 07:14:37.321973+00', NULL);
INSERT INTO public.ort_connected_accounts VALUES ('ca_ulxNQTenfA5FPhPY6Xv4', 'OPENROUTER', '', NULL, 'INITIATED', NULL, false, false, 0, NULL, '{}', '2026-11-30 07:14:37.702521+00', '2026-11-30 07:14:37.702521+00', NULL, NULL);
INSERT INTO public.ort_connected_accounts VALUES ('ca_s3Yw6tRiKYtkImYWpet9', 'ECHO', 'alice', NULL, 'ACTIVE', NULL, false, true, 1, 's1.c9bad3b31f03b7a8.q7x1s41lwGtGqase5vQDNW9alEdFYaJu7ccIvRwsklNnpdRCqa4EED5Shr7+ZvFJ', '{}', '2026-11-30 07:14:37.429974+00', '2026-11-30 07:14:37.429974+00', '2026-11-30 07:14:37.432463+00', NULL);
INSERT INTO public.ort_connected_accounts VALUES ('ca_SZeAaTGMYtuWlOBz9J7F', 'OPENROUTER', 'bob', NULL, 'INACTIVE', 'It was switched off.', false, true, 1, 's1.c9bad3b31f03b7a8.VR+pVIQgSIJwSLSiQ60bBMCnruw3HjhQqd1jC0rrqOgYq54ng2W5CWkKfJqyUGhk6ew7RlAgdQkBcjzTnSyrR5Ek3JjaF3uJ2Llunaz7gpaeG0g7tPxI98FxK9GPo42jaM+vAUhXGQmMKm2kYnB3e7KNTZs=', '{"api_key": "dd44"}', '2026-11-30 07:14:37.447231+00', '2026-11-30 07:14:37.474023+00', '2026-11-30 07:14:37.453798+00', NULL);
INSERT INTO public.ort_connected_accounts VALUES ('ca_KRq5vAy925LaRAO7eYte', 'OPENROUTER', 'carol@example.org', NULL, 'EXPIRED', 'User not found.', false, true, 1, 's1.c9bad3b31f03b7a8.a6IwID5VxvO8PhvgHRCZf4QAihTYTceLU2uHh3x8q4B9jNLIoNFheKLhCcj2qJaxkSRYkJ1DwZ0uotuvn0tBj12CFysJDVA9ZDRecvI1PPrqseh0Tb2rvONHaDjhz1EtAhrqMBrZD0FA6Y69P44IHFGFnlU=', '{"api_key": "ee55"}', '2026-11-30 07:14:37.481627+00', '2026-11-30 07:14:37.512975+00', '2026-11-30 07:14:37.487826+00', NULL);
INSERT INTO public.ort_connected_accounts VALUES ('ca_WMv7fSue5rP1kIbZDgLB', 'OPENROUTER', 'alice', 'Größe 💶', 'ACTIVE', NULL, false, true, 1, 's1.c9bad3b31f03b7a8.wumnoZPJdk1XrOvNt9ArE0tjTJ1FSmRMPiM44Uq7mQIfH5GyPrCpj+CdhR5BL8jAWhtaQCHhzdj4x1sN3d1LKGBRLbSEkMfwyXk7EgCaheYGAqLO4/hu/c2gBNHfa5B7NUeuK/4I7cVX6D3la7gQ3ZaEmgc=', '{"api_key": "cc33"}', '2026-11-30 07:14:37.353807+00', '2026-11-30 07:14:37.406091+00', '2026-11-30 07:14:37.365853+00', '2026-11-30 07:14:37.520701+00');
INSERT INTO public.ort_connected_accounts VALUES ('ca_bVhWcRYm4yK38pkEF20w', 'OPENROUTER', 'dave', 'work', 'FAILED', 'The login was refused.', false, false, 0, NULL, '{}', '2026-11-30 07:14:37.526631+00', '2026-11-30 07:14:37.542686+00', NULL, NULL);
INSERT INTO public.ort_connected_accounts VALUES ('ca_3yZEH4zKY4zpp7OdtgKa', 'OPENROUTER', 'erin', NULL, 'INITIATED', NULL, false, false, 0, NULL, '{}', '2026-11-30 07:14:37.546753+00', '2026-11-30 07:14:37.546753+00', NULL, NULL);
INSERT INTO public.ort_connected_accounts VALUES ('ca_ZMIjIsFend5em65kVr6F', 'OPENROUTER', '', 'everyone''s', 'ACTIVE', NULL, true, true, 1, 's1.2e69e036c4f5d0f9.ym4SODSMq7qt6/0mEMk1jO1HaVn5aDYhRo+OH3Ip0Ogvt5plwSMvi2Zefr7+inndSDs259jDyWxq5eyymHmvcuDDsBq0dtfH9PWBlOQE8RUQ/YfsfeCQcjqOe7TzGnc4A3oqQWC/EmZaXocXQoCtHGYaSMk=', '{"api_key": "ff66"}', '2026-11-30 07:14:37.614547+00', '2026-11-30 07:14:37.614547+00', '2026-11-30 07:14:37.631305+00', NULL);
INSERT INTO public.ort_connected_accounts VALUES ('ca_f09pp19O2D2OkKXuLXcp', 'OPENROUTER', '', NULL, 'ACTIVE', NULL, false, false, 1, 's1.2e69e036c4f5d0f9.NE/HdnDnfo+SskXWB5a7QhkgQzP2oIMZq56JMieUn80wf5yD/TFK02tOZ0tZbYu8Is8eQTf/8NSiceupvNUb1tBMpHcI8jW2eyYTuEQApwxiRYt4TWRsTmWdf8x9a8fQnd7u9yjaU4z9RXRTApYnsAT/l1w=', '{"api_key": "aa77"}', '2026-11-30 07:14:37.649967+00', '2026-11-30 07:14:37.649967+00', '2026-11-30 07:14:37.658773+00', NULL);
INSERT INTO public.ort_links VALUES ('link_vPV1GLk3JroVNcJCahJm', 'connect', 'c10e676f4661e0a6419cbe37b90937e9f29d092b9c5408b215016133cfd94ca3', 'ca_TA3Hk8ADaYrrwdiyKW2R', 'OPENROUTER', 'frank', 'https://host.example/back?x=1', NULL, NULL, NULL, '2026-11-30 07:14:37.69029+00', '2026-11-30 07:24:37.69029+00', NULL);
INSERT INTO public.ort_links VALUES ('link_oOvY0W2nbDlfssDizPrJ', 'connect', '206534716f33de8dd235d0f7e8b1d4c0edd62e34fb26bbb76d69e30d41081ce7', 'ca_ulxNQTenfA5FPhPY6Xv4', 'OPENROUTER', '', NULL, '9e3ee0105defd4fafb4a91d8baa27c028fb480385f36636ecbfa02023a23af70', NULL, NULL, '2026-11-30 07:14:37.725649+00', '2026-11-30 07:24:37.725649+00', NULL);
INSERT INTO public.ort_links VALUES ('link_q0MbxT8nSbevzck0PA5m', 'connect', 'c5f30eb7649cdf03a2e3134551950ec794ddb4b7fed9c844bc23adde487403b7', 'ca_2weduMIUGs6kwesYtPiT', 'OPENROUTER', 'alice', NULL, '9e3ee0105defd4fafb4a91d8baa27c028fb480385f36636ecbfa02023a23af70', '4008a426b508c5e877b6e91e1273b758e06cbc85c2bea189c7aabe10fbff7484', 's1.2e69e036c4f5d0f9.TRWTqAnDWZ1Rl5wA50zm3LbqSlQyS+4g+/KJLZ1Ep17KyngPUFSXvoEmEWALaAAURdQC4yCg8BxQPEhL/yUdpqmHij6tmgoURt/zmtF5soPZTcIElKEgfUSy0fs=', '2026-11-30 07:14:37.753616+00', '2026-11-30 07:24:37.753616+00', NULL);
INSERT INTO public.ort_links VALUES ('link_le0j073PfiYT44PC3yl3', 'login', 'feac9bf2154e7dd774ae1b2bc631407e1e027f335ae800bf6087b6111e1ad132', NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2026-11-30 07:14:37.78233+00', '2026-11-30 07:24:37.78233+00', '2026-11-30 07:14:37.798091+00');
INSERT INTO public.ort_links VALUES ('link_Gl9XmA9T3HcuLnVBMVh2', 'login', '865fdf81728fa8b0098dcbd29033b3710901d01f1a625fa7675e1041776f450a', NULL, NULL, NULL, NULL, NULL, NULL, NULL, '2026-11-30 07:14:37.805857+00', '2026-11-30 07:24:37.805857+00', NULL);
INSERT INTO public.ort_master_keys VALUES ('c9bad3b31f03b7a8', 'd45a41016e956d832f06e6f9cbc5a6a05ef74a9187f6fa4292b352154fbaf7e2', '2026-11-30 07:14:37.270908+00');
INSERT INTO public.ort_master_keys VALUES ('2e69e036c4f5d0f9', 'b62eaca9115d6740ec9654a5b525bb0b221d88c5a598c069cf279ea8bc44f698', '2026-11-30 07:14:37.607753+00');
INSERT INTO public.ort_return_addresses VALUES ('https://host.example/back', '2026-11-30 07:14:37.97816+00');
INSERT INTO public.ort_return_addresses VALUES ('http://127.0.0.1:3000/done?x=1', '2026-11-30 07:14:37.996834+00');
INSERT INTO public.ort_schema_version VALUES ('0001');
INSERT INTO public.ort_sessions VALUES ('568a7ac6882cbc614a8ae0dfd71ff7f9ece79ae1b4992073a6ea33311a160a23', '2026-11-30 07:14:37.850562+00', '2026-11-30 07:14:37.850562+00', '2026-12-07 07:14:37.850562+00', NULL);
INSERT INTO public.ort_sessions VALUES ('7385ee52d43005dda1c01574bbf5c93d72c7352159ea14d9fccbf9d4ff736716', '2026-11-30 07:14:37.861667+00', '2026-11-30 07:14:37.861667+00', '2026-12-07 07:14:37.861667+00', '2026-11-30 07:14:37.863831+00');
INSERT INTO public.ort_switches VALUES ('OPENROUTER', 'OPENROUTER_CREATE_COINBASE_CHARGE', '2026-11-30 07:14:37.949829+00');
INSERT INTO public.ort_switches VALUES ('ECHO', 'ECHO_SAY', '2026-11-30 07:14:37.953563+00');
ALTER TABLE ONLY public.ort_schema_version
    ADD CONSTRAINT ort_schema_version_pkc PRIMARY KEY (version_num);
ALTER TABLE ONLY public.ort_account_shares
    ADD CONSTRAINT pk_ort_account_shares PRIMARY KEY (account_id, user_id);
ALTER TABLE ONLY public.ort_activations
    ADD CONSTRAINT pk_ort_activations PRIMARY KEY (toolkit);
ALTER TABLE ONLY public.ort_api_tokens
    ADD CONSTRAINT pk_ort_api_tokens PRIMARY KEY (id);
ALTER TABLE ONLY public.ort_connected_accounts
    ADD CONSTRAINT pk_ort_connected_accounts PRIMARY KEY (id);
ALTER TABLE ONLY public.ort_links
    ADD CONSTRAINT pk_ort_links PRIMARY KEY (id);
ALTER TABLE ONLY public.ort_master_keys
    ADD CONSTRAINT pk_ort_master_keys PRIMARY KEY (key_id);
ALTER TABLE ONLY public.ort_return_addresses
    ADD CONSTRAINT pk_ort_return_addresses PRIMARY KEY (address);
ALTER TABLE ONLY public.ort_sessions
    ADD CONSTRAINT pk_ort_sessions PRIMARY KEY (id_hash);
ALTER TABLE ONLY public.ort_switches
    ADD CONSTRAINT pk_ort_switches PRIMARY KEY (toolkit, action);
ALTER TABLE ONLY public.ort_api_tokens
    ADD CONSTRAINT uq_ort_api_tokens_token_hash UNIQUE (token_hash);
ALTER TABLE ONLY public.ort_connected_accounts
    ADD CONSTRAINT uq_ort_connected_accounts_toolkit_owner_alias UNIQUE (toolkit, owner, alias);
ALTER TABLE ONLY public.ort_links
    ADD CONSTRAINT uq_ort_links_secret_hash UNIQUE (secret_hash);
ALTER TABLE ONLY public.ort_links
    ADD CONSTRAINT uq_ort_links_state_hash UNIQUE (state_hash);
CREATE INDEX ix_ort_links_account_id ON public.ort_links USING btree (account_id);
CREATE UNIQUE INDEX uq_ort_connected_accounts_default ON public.ort_connected_accounts USING btree (toolkit, owner) WHERE is_default;
ALTER TABLE ONLY public.ort_account_shares
    ADD CONSTRAINT fk_ort_account_shares_account_id FOREIGN KEY (account_id) REFERENCES public.ort_connected_accounts(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.ort_links
    ADD CONSTRAINT fk_ort_links_account_id FOREIGN KEY (account_id) REFERENCES public.ort_connected_accounts(id) ON DELETE CASCADE;
