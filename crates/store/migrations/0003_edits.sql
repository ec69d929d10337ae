-- Levels of the coding edits: every version stays, the latest holds.
CREATE TABLE edit_levels (
    version BIGINT PRIMARY KEY NOT NULL,
    levels  TEXT NOT NULL,
    comment TEXT NOT NULL,
    user_id {key} NOT NULL REFERENCES users (id),
    at      BIGINT NOT NULL
);

-- Codes that a person wants at hand.
CREATE TABLE favourites (
    user_id {key} NOT NULL REFERENCES users (id),
    system  {key} NOT NULL,
    code    {key} NOT NULL,
    at      BIGINT NOT NULL,
    PRIMARY KEY (user_id, system, code)
);
