-- Documents, the passages they are split into, and what finds a passage: words (FTS5) and vectors.

CREATE TABLE documents (
    id INTEGER PRIMARY KEY,
    source TEXT NOT NULL,
    path TEXT NOT NULL,
    title TEXT NOT NULL,
    text TEXT NOT NULL,
    hash BLOB NOT NULL, -- of the file's bytes, and of what else a passage depends on
    UNIQUE (source, path)
);

CREATE TABLE passages (
    id INTEGER PRIMARY KEY AUTOINCREMENT, -- a number is never given twice: somebody may still hold it
    document INTEGER NOT NULL REFERENCES documents (id) ON DELETE CASCADE,
    start INTEGER NOT NULL, -- where in the document's text, in characters
    heading TEXT NOT NULL, -- the headings above it, the outermost first
    text TEXT NOT NULL
);
CREATE INDEX passages_of_document ON passages (document);

CREATE VIRTUAL TABLE words USING fts5 (
    heading, text, content = 'passages', content_rowid = 'id', tokenize = 'porter unicode61'
);
CREATE TRIGGER passage_is_indexed AFTER INSERT ON passages BEGIN
    INSERT INTO words (rowid, heading, text) VALUES (new.id, new.heading, new.text);
END;
CREATE TRIGGER passage_is_forgotten AFTER DELETE ON passages BEGIN
    INSERT INTO words (words, rowid, heading, text) VALUES ('delete', old.id, old.heading, old.text);
END;

CREATE TABLE vectors (
    passage INTEGER PRIMARY KEY REFERENCES passages (id) ON DELETE CASCADE,
    model TEXT NOT NULL, -- vectors of two models are never compared
    vector BLOB NOT NULL -- little-endian 32-bit floats
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
    number INTEGER NOT NULL
);
INSERT INTO change VALUES (1, 0);

-- MCP sessions of revisions up to 2025-11-25, so that they outlive a process.
CREATE TABLE sessions (
    id TEXT PRIMARY KEY,
    state TEXT NOT NULL, -- JSON
    used INTEGER NOT NULL -- seconds since 1970
);
