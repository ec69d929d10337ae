-- Who signs in how. Sessions are made anew: everybody signs in once more.
DROP TABLE sessions;
CREATE TABLE sessions (
    token_hash   {key} PRIMARY KEY NOT NULL,
    -- What lists name it by; says nothing of the token.
    id           {key} NOT NULL UNIQUE,
    user_id      {key} NOT NULL REFERENCES users (id),
    -- second_factor while only the password was right, then open or locked.
    stage        {key} NOT NULL,
    method       TEXT NOT NULL,
    created_at   BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL,
    -- When the person last showed who they are.
    confirmed_at BIGINT NOT NULL,
    address      TEXT NOT NULL,
    agent        TEXT NOT NULL
);
CREATE INDEX sessions_user ON sessions (user_id);
CREATE INDEX sessions_expiry ON sessions (expires_at);

-- Authenticator apps (RFC 6238). The secret is sealed with the installation's key.
CREATE TABLE totp (
    user_id      {key} PRIMARY KEY NOT NULL REFERENCES users (id),
    secret       TEXT NOT NULL,
    made_at      BIGINT NOT NULL,
    -- Absent until a code of it was given.
    confirmed_at BIGINT,
    -- The latest step whose code was taken: none is taken twice.
    last_step    BIGINT NOT NULL
);

CREATE TABLE recovery_codes (
    user_id {key} NOT NULL REFERENCES users (id),
    hash    {key} NOT NULL,
    made_at BIGINT NOT NULL,
    PRIMARY KEY (user_id, hash)
);

CREATE TABLE passkeys (
    id           {key} PRIMARY KEY NOT NULL,
    user_id      {key} NOT NULL REFERENCES users (id),
    name         TEXT NOT NULL,
    -- Public key, counter and flags, as the library keeps them. Nothing secret.
    credential   TEXT NOT NULL,
    created_at   BIGINT NOT NULL,
    last_used_at BIGINT
);
CREATE INDEX passkeys_user ON passkeys (user_id);

-- Questions to a browser or a provider, each answered once.
CREATE TABLE challenges (
    id         {key} PRIMARY KEY NOT NULL,
    kind       {key} NOT NULL,
    user_id    {key},
    body       TEXT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX challenges_expiry ON challenges (expires_at);

CREATE TABLE invitations (
    token_hash {key} PRIMARY KEY NOT NULL,
    user_id    {key} NOT NULL UNIQUE REFERENCES users (id),
    made_by    {key} NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);

-- For scripts.
CREATE TABLE api_tokens (
    id           {key} PRIMARY KEY NOT NULL,
    token_hash   {key} NOT NULL UNIQUE,
    user_id      {key} NOT NULL REFERENCES users (id),
    name         TEXT NOT NULL,
    scopes       TEXT NOT NULL,
    created_at   BIGINT NOT NULL,
    expires_at   BIGINT NOT NULL,
    last_used_at BIGINT
);
CREATE INDEX api_tokens_user ON api_tokens (user_id);

-- Whom an OpenID provider means.
CREATE TABLE identities (
    issuer     {key} NOT NULL,
    subject    {key} NOT NULL,
    user_id    {key} NOT NULL UNIQUE REFERENCES users (id),
    created_at BIGINT NOT NULL,
    PRIMARY KEY (issuer, subject)
);
