-- feeds.sqlite: files that were frozen for authorities. Times are ns UTC.

CREATE TABLE feed (
  name      TEXT PRIMARY KEY,
  first     INTEGER NOT NULL,            -- the slot in which it began
  looked    INTEGER NOT NULL,            -- the first slot of which nothing is frozen yet
  delivered INTEGER NOT NULL DEFAULT 0,  -- attempts that were taken
  failed    INTEGER NOT NULL DEFAULT 0,  -- attempts that were not
  last_delivered INTEGER,
  told      INTEGER,                     -- since when on-call is told that it is behind
  last_error TEXT NOT NULL DEFAULT ''    -- of the latest attempt
) STRICT;

CREATE TABLE feed_file (
  id     INTEGER PRIMARY KEY,
  feed   TEXT NOT NULL,
  slot   INTEGER NOT NULL,  -- its start
  name   TEXT NOT NULL,
  body   BLOB NOT NULL,
  digest TEXT NOT NULL,     -- SHA-256 of the body, hexadecimal
  frozen INTEGER NOT NULL,
  state  TEXT NOT NULL CHECK (state IN ('waiting', 'delivered', 'differs')),
  at     INTEGER,           -- when it was delivered, found to differ, or asked for again
  UNIQUE (feed, slot)
) STRICT;
CREATE INDEX feed_waiting ON feed_file (feed, slot) WHERE state = 'waiting';
CREATE INDEX feed_differs ON feed_file (feed, slot) WHERE state = 'differs';
CREATE TRIGGER feed_file_stays BEFORE UPDATE OF feed, slot, name, body, digest, frozen ON feed_file
BEGIN SELECT RAISE(ABORT, 'a frozen file never changes'); END;

CREATE TABLE feed_attempt (
  id      INTEGER PRIMARY KEY,
  feed    TEXT NOT NULL,
  name    TEXT NOT NULL,    -- of the file
  at      INTEGER NOT NULL,
  error   TEXT NOT NULL,    -- '' where it was taken
  took_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX feed_attempt_feed ON feed_attempt (feed, id);
