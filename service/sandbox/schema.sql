-- The sandbox's own tables, apart from the product's. Made only for a database of sandbox mode.
CREATE SCHEMA IF NOT EXISTS sandbox;
CREATE TABLE IF NOT EXISTS sandbox.object (
    id text PRIMARY KEY, type text NOT NULL, account text NOT NULL DEFAULT '', number bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    created_at timestamptz NOT NULL, doc jsonb NOT NULL, hidden jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX IF NOT EXISTS object_by_type_idx ON sandbox.object (type, account, number);
-- Double entry: the rows of one move add up to zero. Accounts: '' the platform, acct_… connected, and the world outside.
CREATE TABLE IF NOT EXISTS sandbox.balance_line (
    move bigint NOT NULL, account text NOT NULL, currency text NOT NULL, amount bigint NOT NULL, available_on timestamptz NOT NULL
);
CREATE INDEX IF NOT EXISTS balance_line_by_account_idx ON sandbox.balance_line (account, currency);
CREATE SEQUENCE IF NOT EXISTS sandbox.move;
CREATE SEQUENCE IF NOT EXISTS sandbox.id;
CREATE TABLE IF NOT EXISTS sandbox.idempotency (
    account text NOT NULL, key text NOT NULL, fingerprint text NOT NULL, status int NOT NULL, body text NOT NULL, created_at timestamptz NOT NULL,
    PRIMARY KEY (account, key)
);
CREATE TABLE IF NOT EXISTS sandbox.timer (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, due_at timestamptz NOT NULL, kind text NOT NULL, subject text NOT NULL, done boolean NOT NULL DEFAULT false
);
CREATE INDEX IF NOT EXISTS timer_due_idx ON sandbox.timer (due_at) WHERE NOT done;
CREATE TABLE IF NOT EXISTS sandbox.delivery (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, event_id text NOT NULL, due_at timestamptz NOT NULL, attempts int NOT NULL DEFAULT 0,
    state text NOT NULL DEFAULT 'waiting', last_answer text, leased_until timestamptz
);
CREATE INDEX IF NOT EXISTS delivery_due_idx ON sandbox.delivery (due_at) WHERE state = 'waiting';
CREATE TABLE IF NOT EXISTS sandbox.fault (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, method text NOT NULL, path text NOT NULL, kind text NOT NULL, skip int NOT NULL DEFAULT 0, times int NOT NULL
);
CREATE TABLE IF NOT EXISTS sandbox.mail (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, message_id text NOT NULL, recipient text NOT NULL, subject text NOT NULL, body text NOT NULL,
    html text NOT NULL, headers jsonb NOT NULL, sent_at timestamptz NOT NULL
);
CREATE TABLE IF NOT EXISTS sandbox.setting (name text PRIMARY KEY, value jsonb NOT NULL);
GRANT USAGE ON SCHEMA sandbox TO holdfast_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA sandbox TO holdfast_app;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA sandbox TO holdfast_app;
