-- One text for both engines. {key} and {bytes} are the engine's own types (src/dialect.rs): text compared byte by byte,
-- and bytes. Times are milliseconds since 1970, confidences are millionths, truth values are 0 and 1: whole numbers mean the
-- same to both engines.

CREATE TABLE users (
    id            {key} PRIMARY KEY NOT NULL,
    name          TEXT NOT NULL,
    role          TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    must_change   BIGINT NOT NULL,
    disabled      BIGINT NOT NULL,
    created_at    BIGINT NOT NULL,
    last_sign_in  BIGINT
);

CREATE TABLE sessions (
    token_hash   {key} PRIMARY KEY NOT NULL,
    user_id      {key} NOT NULL REFERENCES users (id),
    created_at   BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL
);
CREATE INDEX sessions_user ON sessions (user_id);
CREATE INDEX sessions_expiry ON sessions (expires_at);

CREATE TABLE templates (
    id         {key} NOT NULL,
    version    BIGINT NOT NULL,
    name       TEXT NOT NULL,
    fields     BIGINT NOT NULL,
    body       TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (id, version)
);

-- The text stands last: what comes before it is read without it. It is kept as bytes because PostgreSQL's text can't hold
-- U+0000.
CREATE TABLE notes (
    id         {key} PRIMARY KEY NOT NULL,
    sha256     TEXT NOT NULL,
    words      BIGINT NOT NULL,
    meta       TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    body       {bytes} NOT NULL
);

-- The row of an entry is a projection: it can be made again from its suggestions, decisions and jobs. Ids rise in the
-- order of import, so that a list by age is a list by id.
CREATE TABLE entries (
    id               {key} PRIMARY KEY NOT NULL,
    note_id          {key} NOT NULL REFERENCES notes (id),
    template_id      {key} NOT NULL,
    template_version BIGINT NOT NULL,
    document_type    {key},
    search           TEXT NOT NULL,
    status           {key} NOT NULL,
    cause            TEXT,
    revision         BIGINT NOT NULL,
    suggested        BIGINT NOT NULL,
    decided          BIGINT NOT NULL,
    -- 2,000,000 where nothing is suggested: it sorts last.
    confidence       BIGINT NOT NULL,
    suggesting       {key} NOT NULL,
    -- 1 once suggesting is done or has failed for good.
    ready            BIGINT NOT NULL,
    suggestion_set   {key},
    job_id           {key} NOT NULL,
    lease_user       {key},
    lease_until      BIGINT,
    created_at       BIGINT NOT NULL,
    updated_at       BIGINT NOT NULL,
    finished_at      BIGINT,
    UNIQUE (note_id, template_id),
    FOREIGN KEY (template_id, template_version) REFERENCES templates (id, version)
);
CREATE INDEX entries_status ON entries (status, id);
CREATE INDEX entries_type ON entries (document_type, id);
CREATE INDEX entries_status_type ON entries (status, document_type, id);
CREATE INDEX entries_confidence ON entries (confidence, id);
CREATE INDEX entries_status_confidence ON entries (status, confidence, id);
CREATE INDEX entries_type_confidence ON entries (document_type, confidence, id);
CREATE INDEX entries_status_type_confidence ON entries (status, document_type, confidence, id);
CREATE INDEX entries_ready ON entries (status, ready, id);
CREATE INDEX entries_ready_type ON entries (status, ready, document_type, id);
-- Holds all that a search within the queue looks at.
CREATE INDEX entries_search ON entries (id, search, status, document_type, confidence);

CREATE TABLE suggestion_sets (
    id           {key} PRIMARY KEY NOT NULL,
    entry_id     {key} NOT NULL REFERENCES entries (id),
    -- One result for each job, whatever its workers do.
    job_id       {key} NOT NULL UNIQUE,
    model        TEXT NOT NULL,
    code_release TEXT NOT NULL,
    made_at      BIGINT NOT NULL,
    body         TEXT NOT NULL
);
CREATE INDEX suggestion_sets_entry ON suggestion_sets (entry_id);

-- Versions of the model that made suggestions.
CREATE TABLE models (
    model    {key} PRIMARY KEY NOT NULL,
    first_at BIGINT NOT NULL,
    last_at  BIGINT NOT NULL
);

CREATE TABLE jobs (
    id         {key} PRIMARY KEY NOT NULL,
    entry_id   {key} NOT NULL REFERENCES entries (id),
    state      {key} NOT NULL,
    attempts   BIGINT NOT NULL,
    -- When it may be claimed: for a running job the end of its claim.
    due_at     BIGINT NOT NULL,
    claimed_by TEXT,
    error      TEXT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE INDEX jobs_due ON jobs (state, due_at, id);
CREATE INDEX jobs_state ON jobs (state, id);
CREATE INDEX jobs_entry ON jobs (entry_id);

CREATE TABLE decisions (
    id                {key} PRIMARY KEY NOT NULL,
    entry_id          {key} NOT NULL REFERENCES entries (id),
    revision          BIGINT NOT NULL,
    user_id           {key} NOT NULL REFERENCES users (id),
    at                BIGINT NOT NULL,
    action            {key} NOT NULL,
    body              TEXT NOT NULL,
    effort            TEXT NOT NULL,
    suggestion_set    {key} REFERENCES suggestion_sets (id),
    suggestions_shown BIGINT NOT NULL,
    UNIQUE (entry_id, revision)
);
CREATE INDEX decisions_user ON decisions (user_id, at, action, entry_id);

-- Answers to repeat: the decisions from one revision to another.
CREATE TABLE requests (
    user_id        {key} NOT NULL,
    key            {key} NOT NULL,
    hash           TEXT NOT NULL,
    entry_id       {key} NOT NULL,
    first_revision BIGINT NOT NULL,
    last_revision  BIGINT NOT NULL,
    at             BIGINT NOT NULL,
    PRIMARY KEY (user_id, key)
);

-- What became of every decided row of the finished entries: a projection, gone when an entry is opened again.
CREATE TABLE outcomes (
    entry_id          {key} NOT NULL REFERENCES entries (id),
    place             BIGINT NOT NULL,
    decision_id       {key} NOT NULL,
    field             {key} NOT NULL,
    item              TEXT,
    kind              {key} NOT NULL,
    suggested_system  {key},
    suggested_code    {key},
    decided_system    {key},
    decided_code      {key},
    confidence        BIGINT,
    model             {key},
    document_type     {key},
    user_id           {key} NOT NULL,
    decided_at        BIGINT NOT NULL,
    finished_at       BIGINT NOT NULL,
    suggestions_shown BIGINT NOT NULL,
    PRIMARY KEY (entry_id, place)
);
CREATE INDEX outcomes_finished ON outcomes (finished_at);

-- Kept, not counted: changed in the transaction that changes what they count.
CREATE TABLE counters (
    scope {key} NOT NULL,
    name  {key} NOT NULL,
    n     BIGINT NOT NULL,
    PRIMARY KEY (scope, name)
);
