-- Where entries belong, by what decides who may see them: site, queue and guarded categories. Written once; an entry moves from one
-- to another. c-0 has no row: it is
-- the place of what says nothing of itself.
CREATE TABLE compartments (
    id          {key} PRIMARY KEY NOT NULL,
    site        TEXT NOT NULL,
    queue       TEXT NOT NULL,
    sensitivity TEXT NOT NULL,
    created_at  BIGINT NOT NULL
);

ALTER TABLE entries ADD COLUMN compartment {key} NOT NULL DEFAULT 'c-0';

-- The indices of the queue say who may see an entry, so that passing over what somebody may not see reads no row.
DROP INDEX entries_status;
DROP INDEX entries_type;
DROP INDEX entries_status_type;
DROP INDEX entries_confidence;
DROP INDEX entries_status_confidence;
DROP INDEX entries_type_confidence;
DROP INDEX entries_status_type_confidence;
DROP INDEX entries_search;
CREATE INDEX entries_status ON entries (status, id, compartment);
CREATE INDEX entries_type ON entries (document_type, id, compartment);
CREATE INDEX entries_status_type ON entries (status, document_type, id, compartment);
CREATE INDEX entries_confidence ON entries (confidence, id, compartment);
CREATE INDEX entries_status_confidence ON entries (status, confidence, id, compartment);
CREATE INDEX entries_type_confidence ON entries (document_type, confidence, id, compartment);
CREATE INDEX entries_status_type_confidence ON entries (status, document_type, confidence, id, compartment);
-- Holds all that a search within the queue looks at.
CREATE INDEX entries_search ON entries (id, search, status, document_type, confidence, compartment, note_id);

-- Counted by compartment from now on.
UPDATE counters SET name = 'c-0 ' || name WHERE scope IN ('status', 'suggesting', 'document_type');

-- What of all that somebody may see, as JSON: domain::Reach.
ALTER TABLE users ADD COLUMN reach TEXT NOT NULL DEFAULT '{}';

-- Notes that somebody opened with a reason: outside of what is open to them, or as written where they see masked ones. Each is
-- judged by somebody else.
CREATE TABLE access_grants (
    id         {key} PRIMARY KEY NOT NULL,
    kind       {key} NOT NULL,
    user_id    {key} NOT NULL REFERENCES users (id),
    note_id    {key} NOT NULL REFERENCES notes (id),
    reason     TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    until      BIGINT NOT NULL,
    judged_by  {key} REFERENCES users (id),
    judged_at  BIGINT,
    justified  BIGINT,
    comment    TEXT
);
CREATE INDEX access_grants_user ON access_grants (user_id, until);
CREATE INDEX access_grants_judged ON access_grants (judged_at, id);
