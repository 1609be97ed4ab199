-- Schema 1. A record is one row: its key as bytes (their order is the order of a scan), its version
-- and itself as JSON, exactly as a sled store holds it. The columns beside it are read by careline's
-- own questions and by people; they are derived from the record at every write, never read back
-- into it. Instants are microseconds since 1970; the views below show them as times.

CREATE EXTENSION IF NOT EXISTS pg_trgm;

-- One row. Whoever commits locks it first: all commits of all daemons have one order, and the log
-- is numbered by it. A daemon whose schema is older than `oldest` may not work here.
CREATE TABLE counters (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    schema integer NOT NULL,
    oldest integer NOT NULL,
    log bigint NOT NULL DEFAULT 0,
    last_case bigint NOT NULL DEFAULT 0,
    -- Which database this is, to know a copy of it.
    home text,
    -- The daemon that works here, until when by this server's clock, and the how manieth it is. A
    -- commit of an earlier one is refused.
    holder text,
    until timestamptz NOT NULL DEFAULT '-infinity',
    epoch bigint NOT NULL DEFAULT 0
);
INSERT INTO counters (schema, oldest) VALUES (1, 1);

-- The last group of commits of each daemon: where the answer to COMMIT was lost, it tells.
CREATE TABLE writers (
    id text PRIMARY KEY,
    done bigint NOT NULL,
    at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE envelopes (
    key bytea PRIMARY KEY,
    at bigint NOT NULL
);
CREATE INDEX envelopes_at ON envelopes (at);

CREATE TABLE log (
    seq bigint PRIMARY KEY,
    at bigint NOT NULL,
    envelope bytea NOT NULL,
    event text NOT NULL,
    did text NOT NULL,
    case_no bigint,
    by text,
    entry json NOT NULL
);
CREATE INDEX log_at ON log (at);
CREATE INDEX log_envelope ON log (envelope);

CREATE TABLE cases (
    key bytea PRIMARY KEY,
    version bigint NOT NULL,
    record json NOT NULL,
    no bigint NOT NULL,
    account text NOT NULL,
    contact text NOT NULL,
    handle text NOT NULL,
    name text NOT NULL,
    status text NOT NULL,
    desk text NOT NULL,
    channel text NOT NULL,
    claimer_desk text,
    claimer text,
    opened bigint NOT NULL,
    closed bigint,
    waits bigint,
    place bigint NOT NULL,
    snoozed boolean NOT NULL,
    words text NOT NULL
);
CREATE INDEX cases_no ON cases (no);
CREATE INDEX cases_open ON cases (snoozed, place, no) WHERE status <> 'closed';
CREATE INDEX cases_unclaimed ON cases (place, no)
    WHERE status = 'open' AND claimer IS NULL AND NOT snoozed;
CREATE INDEX cases_of_agent ON cases (claimer_desk, claimer, snoozed, place, no)
    WHERE status <> 'closed';
CREATE INDEX cases_of_contact ON cases (account, contact, no);
CREATE INDEX cases_words ON cases USING gin (words gin_trgm_ops);

CREATE TABLE alarms (
    case_no bigint NOT NULL,
    n bigint NOT NULL,
    at bigint NOT NULL,
    alarm json NOT NULL,
    PRIMARY KEY (case_no, n)
);
CREATE INDEX alarms_due ON alarms (at, n, case_no);

CREATE TABLE lines (
    key bytea PRIMARY KEY,
    version bigint NOT NULL,
    record json NOT NULL,
    case_no bigint NOT NULL,
    seq bigint NOT NULL,
    at bigint NOT NULL,
    what text NOT NULL,
    words text NOT NULL
);
CREATE INDEX lines_words ON lines USING gin (words gin_trgm_ops);

CREATE TABLE contacts (
    key bytea PRIMARY KEY,
    version bigint NOT NULL,
    record json NOT NULL,
    account text NOT NULL,
    contact text NOT NULL,
    handle text NOT NULL,
    name text NOT NULL,
    cases bigint NOT NULL,
    first bigint NOT NULL,
    blocked boolean NOT NULL
);

CREATE TABLE threads (
    key bytea PRIMARY KEY,
    version bigint NOT NULL,
    record json NOT NULL,
    desk text NOT NULL,
    channel text NOT NULL,
    root text NOT NULL,
    case_no bigint NOT NULL
);

CREATE TABLE posts (
    key bytea PRIMARY KEY,
    version bigint NOT NULL,
    record json NOT NULL,
    account text NOT NULL,
    post text NOT NULL,
    case_no bigint NOT NULL,
    line bigint NOT NULL
);

CREATE TABLE deliveries (
    key bytea PRIMARY KEY,
    version bigint NOT NULL,
    record json NOT NULL,
    id text NOT NULL,
    case_no bigint,
    lane text NOT NULL,
    bucket text NOT NULL,
    urgent boolean NOT NULL,
    order_at bigint NOT NULL,
    order_n bigint NOT NULL,
    ready bigint NOT NULL,
    state text NOT NULL,
    pending boolean NOT NULL,
    whom text NOT NULL
);
CREATE INDEX deliveries_pending ON deliveries (order_at, order_n, key) WHERE pending;

-- All that has no table of its own: cursors, accounts, conversations, the store's identity, …
CREATE TABLE settings (
    key bytea PRIMARY KEY,
    version bigint NOT NULL,
    record json NOT NULL,
    kind text NOT NULL
);

CREATE VIEW report_cases AS
    SELECT no, account, handle, name, status, desk, channel, claimer_desk, claimer,
        to_timestamp(opened / 1e6) AS opened, to_timestamp(closed / 1e6) AS closed,
        to_timestamp(waits / 1e6) AS waits_since, snoozed
    FROM cases;
CREATE VIEW report_messages AS
    SELECT case_no, seq, to_timestamp(at / 1e6) AS at, what FROM lines;
CREATE VIEW report_deliveries AS
    SELECT id, case_no, whom, state, urgent, to_timestamp(order_at / 1e6) AS decided,
        to_timestamp(ready / 1e6) AS ready
    FROM deliveries;
CREATE VIEW report_log AS
    SELECT seq, to_timestamp(at / 1e6) AS at, event, did, case_no, by FROM log;
