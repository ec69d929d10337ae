-- The correction memory: what the decisions that stand teach about phrases.

-- The revision up to which an entry's decisions are in the memory. A job follows the log: an entry that is behind is found by
-- index, whatever happened in between.
ALTER TABLE entries ADD COLUMN learned BIGINT NOT NULL DEFAULT 0;
CREATE INDEX entries_behind ON entries (id) WHERE learned < revision;

-- Ids follow from what is remembered (field, kind, code, phrase), so that making the memory again gives the same ones.
CREATE TABLE memory (
    id            {key} PRIMARY KEY NOT NULL,
    kind          {key} NOT NULL,
    field         {key} NOT NULL,
    phrase_key    {key} NOT NULL,
    phrase        TEXT NOT NULL,
    system        {key},
    code          {key},
    -- Decisions that stand and are not forgotten; 0 once all were taken back.
    uses          BIGINT NOT NULL,
    first_at      BIGINT NOT NULL,
    last_at       BIGINT NOT NULL,
    -- Rises with every change of the memory, so that caches ask for what is new.
    changed       BIGINT NOT NULL,
    -- What was decided at this time or before is forgotten.
    forgotten_at  BIGINT NOT NULL
);
CREATE INDEX memory_recent ON memory (last_at, id) WHERE uses > 0;
CREATE INDEX memory_changed ON memory (changed);

-- Which decision says so: a projection of the decisions.
CREATE TABLE memory_uses (
    entry_id    {key} NOT NULL REFERENCES entries (id),
    place       BIGINT NOT NULL,
    memory_id   {key} NOT NULL,
    decision_id {key} NOT NULL,
    user_id     {key} NOT NULL,
    at          BIGINT NOT NULL,
    PRIMARY KEY (entry_id, place)
);
CREATE INDEX memory_uses_memory ON memory_uses (memory_id, at);

-- Who let what be forgotten; written once.
CREATE TABLE memory_deletions (
    id        {key} PRIMARY KEY NOT NULL,
    memory_id {key} NOT NULL,
    user_id   {key} NOT NULL REFERENCES users (id),
    at        BIGINT NOT NULL,
    uses      BIGINT NOT NULL
);
CREATE INDEX memory_deletions_memory ON memory_deletions (memory_id, at);

-- Vectors of phrases, by what made them: another model makes its own.
CREATE TABLE memory_vectors (
    space      {key} NOT NULL,
    phrase_key {key} NOT NULL,
    made_at    BIGINT NOT NULL,
    vector     {bytes} NOT NULL,
    PRIMARY KEY (space, phrase_key)
);
