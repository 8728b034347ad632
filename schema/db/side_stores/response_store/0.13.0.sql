-- response_store.db as Hermes 0.13.0 makes it.

CREATE TABLE responses (
    response_id TEXT PRIMARY KEY,
    data TEXT NOT NULL,
    accessed_at REAL NOT NULL
);

CREATE TABLE conversations (
    name TEXT PRIMARY KEY,
    response_id TEXT NOT NULL
);
