-- Documents, the passages they are split into, and what finds a passage: words (tsvector) and vectors (pgvector).

CREATE EXTENSION IF NOT EXISTS vector;

CREATE TABLE documents (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source TEXT NOT NULL,
    path TEXT NOT NULL,
    title TEXT NOT NULL,
    text TEXT NOT NULL,
    hash BYTEA NOT NULL, -- of the file's bytes, and of what else a passage depends on
    UNIQUE (source, path)
);

CREATE TABLE passages (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    document BIGINT NOT NULL REFERENCES documents (id) ON DELETE CASCADE,
    start BIGINT NOT NULL, -- where in the document's text, in characters
    heading TEXT NOT NULL, -- the headings above it, the outermost first
    text TEXT NOT NULL,
    words TSVECTOR NOT NULL GENERATED ALWAYS AS (
        setweight(to_tsvector('english', heading), 'A') || setweight(to_tsvector('english', text), 'D')
    ) STORED
);
CREATE INDEX passages_of_document ON passages (document);
CREATE INDEX passages_by_words ON passages USING gin (words);

CREATE TABLE vectors (
    passage BIGINT PRIMARY KEY REFERENCES passages (id) ON DELETE CASCADE,
    model TEXT NOT NULL, -- vectors of two models are never compared; each model has an index of its own
    vector VECTOR NOT NULL
);

-- The corpus that is, or is being, read; no row before the first time.
CREATE TABLE ingested (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    corpus TEXT NOT NULL, -- JSON
    model TEXT NOT NULL,
    complete BOOLEAN NOT NULL
);

-- Grows with every change, so that a process notices what another one has changed.
CREATE TABLE change (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    number BIGINT NOT NULL
);
INSERT INTO change VALUES (1, 0);

-- MCP sessions of revisions up to 2025-11-25, so that every replica knows them.
CREATE TABLE sessions (
    id TEXT PRIMARY KEY,
    state TEXT NOT NULL, -- JSON
    used BIGINT NOT NULL -- seconds since 1970
);
