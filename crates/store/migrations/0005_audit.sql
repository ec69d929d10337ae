-- Who did what: written once, in the transaction of what it records. Each row carries the hash of the row before it, so that a
-- change, a gap or another order shows.
CREATE TABLE audit (
    seq      BIGINT PRIMARY KEY NOT NULL,
    at       BIGINT NOT NULL,
    action   {key} NOT NULL,
    user_id  {key},
    subject  {key},
    detail   TEXT NOT NULL,
    request  TEXT NOT NULL,
    address  TEXT NOT NULL,
    previous TEXT NOT NULL,
    hash     TEXT NOT NULL
);
CREATE INDEX audit_user ON audit (user_id, seq);
CREATE INDEX audit_action ON audit (action, seq);
CREATE INDEX audit_subject ON audit (subject, seq);

-- The end of the chain: without it a trail cut short would look whole. One row.
CREATE TABLE audit_head (
    id   BIGINT PRIMARY KEY NOT NULL,
    seq  BIGINT NOT NULL,
    hash TEXT NOT NULL
);
INSERT INTO audit_head (id, seq, hash) VALUES (1, 0, '0000000000000000000000000000000000000000000000000000000000000000');

-- Somebody looked through the trail up to here and found it whole: a second place that a forger would have to change.
CREATE TABLE audit_reviews (
    seq     BIGINT PRIMARY KEY NOT NULL,
    hash    TEXT NOT NULL,
    user_id {key} NOT NULL REFERENCES users (id),
    at      BIGINT NOT NULL,
    comment TEXT NOT NULL
);
