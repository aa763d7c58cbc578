-- One schema for SQLite and PostgreSQL. {identity} becomes each one's "number the rows yourself" column type.
-- Times are seconds since 1970-01-01 UTC; `due` is an ISO 8601 date, which sorts as text.

CREATE TABLE IF NOT EXISTS account (
    id            {identity},
    email         TEXT NOT NULL UNIQUE,
    name          TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    -- 'member' sees the lists it owns or shares; 'operator' (support, the digest job) sees every list.
    role          TEXT NOT NULL CHECK (role IN ('member', 'operator')),
    created_at    BIGINT NOT NULL
);

-- A session is known by the SHA-256 of its token, so a stolen database opens no session.
CREATE TABLE IF NOT EXISTS session (
    token_hash TEXT PRIMARY KEY,
    account_id BIGINT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    expires_at BIGINT NOT NULL
);

CREATE TABLE IF NOT EXISTS list (
    id               {identity},
    owner_id         BIGINT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    title            TEXT NOT NULL,
    next_item_number BIGINT NOT NULL DEFAULT 1,
    created_at       BIGINT NOT NULL
);
CREATE INDEX IF NOT EXISTS list_owner ON list (owner_id);

CREATE TABLE IF NOT EXISTS list_member (
    list_id    BIGINT NOT NULL REFERENCES list (id) ON DELETE CASCADE,
    account_id BIGINT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    PRIMARY KEY (list_id, account_id)
);
CREATE INDEX IF NOT EXISTS list_member_account ON list_member (account_id);

-- Items are numbered within their list, so a load plan can name "item 7 of list 120" without a look-up.
CREATE TABLE IF NOT EXISTS item (
    list_id    BIGINT NOT NULL REFERENCES list (id) ON DELETE CASCADE,
    number     BIGINT NOT NULL,
    title      TEXT NOT NULL,
    note       TEXT NOT NULL,
    due        TEXT,
    done_at    BIGINT,
    created_at BIGINT NOT NULL,
    -- Counts changes, so that each is one: SQLite writes no page for a row that stays as it was.
    revision   BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (list_id, number)
);

CREATE TABLE IF NOT EXISTS digest (
    account_id BIGINT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    day        TEXT NOT NULL,
    html       TEXT NOT NULL,
    revision   BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (account_id, day)
);
