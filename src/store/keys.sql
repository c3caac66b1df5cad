-- keys.sqlite: who may ask, and the audit log. Times are ns UTC, 0 where there is none.

CREATE TABLE IF NOT EXISTS key (
  id         TEXT PRIMARY KEY,
  name       TEXT NOT NULL,
  role       TEXT NOT NULL,
  places     TEXT NOT NULL,     -- JSON, [[park, facility]], with "" for all of a park; [] for everything
  shared     INTEGER NOT NULL,  -- 1: several people bear it, so that requests say by whom
  secret     BLOB NOT NULL,     -- SHA-256
  old_secret BLOB NOT NULL,     -- SHA-256 of the secret before the last rotation
  old_until  INTEGER NOT NULL,  -- up to when that one works
  created    INTEGER NOT NULL,
  expires    INTEGER NOT NULL,
  revoked    INTEGER NOT NULL,
  used       INTEGER NOT NULL   -- to the minute
) STRICT;

CREATE TABLE IF NOT EXISTS audit (
  id       INTEGER PRIMARY KEY,
  at       INTEGER NOT NULL,
  who      TEXT NOT NULL,
  what     TEXT NOT NULL,
  about    TEXT NOT NULL,
  old      TEXT NOT NULL,
  new      TEXT NOT NULL,
  origin   TEXT NOT NULL,
  previous BLOB NOT NULL,       -- hash of the row before
  hash     BLOB NOT NULL        -- SHA-256 over `previous` and the row
) STRICT;
CREATE TRIGGER IF NOT EXISTS audit_stays BEFORE UPDATE ON audit
  BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER IF NOT EXISTS audit_is_kept BEFORE DELETE ON audit
  BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
