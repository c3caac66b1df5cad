-- state.db: everything that follows from the journal. One writer, the line; all times are nanoseconds UTC.

CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;

-- Rows that could not be read and are out of their table, or mended there (store.messages.set_aside): key is JSON, content the row as it was, msgpack.
CREATE TABLE set_aside (
    "table" TEXT NOT NULL, key TEXT NOT NULL, reason TEXT NOT NULL, at INTEGER NOT NULL, content BLOB NOT NULL, PRIMARY KEY ("table", key)
) WITHOUT ROWID;

-- The first journal offset that is not yet part of this state.
CREATE TABLE cursor (name TEXT PRIMARY KEY, next INTEGER NOT NULL) WITHOUT ROWID;

-- Under which configuration, by its hash, messages were taken from offset `first` on.
CREATE TABLE configuration (first INTEGER PRIMARY KEY, hash TEXT NOT NULL);

-- A channel, a source and a boot keep their number for ever, whatever the configuration becomes.
CREATE TABLE channel (id INTEGER PRIMARY KEY, park TEXT NOT NULL, facility TEXT NOT NULL, name TEXT NOT NULL, UNIQUE (park, facility, name));
-- first is the time of a source's first reading, begins the beginning of the stretch that its first counting one tells of.
CREATE TABLE source (
    id INTEGER PRIMARY KEY, park TEXT NOT NULL, facility TEXT NOT NULL, name TEXT NOT NULL, first INTEGER, begins INTEGER,
    UNIQUE (park, facility, name)
);
-- heard is when a boot's last message came, began the first reading of its lowest number that has any, NULL without one.
CREATE TABLE boot (
    id INTEGER PRIMARY KEY, gateway TEXT NOT NULL, boot TEXT NOT NULL, heard INTEGER NOT NULL, began INTEGER, UNIQUE (gateway, boot)
);
CREATE INDEX boot_by_heard ON boot (gateway, heard, boot);
CREATE INDEX boot_by_beginning ON boot (gateway, began, boot) WHERE began IS NOT NULL;

-- What turned a source's amounts into tonnes (rules.terms): given as it was configured last, kept as its windows have it, each a
-- content, which is JSON; inputs is what the amounts were taken from.
CREATE TABLE term (id INTEGER PRIMARY KEY, content TEXT NOT NULL UNIQUE);
CREATE TABLE source_term (source INTEGER PRIMARY KEY, given INTEGER NOT NULL, kept INTEGER NOT NULL, inputs TEXT NOT NULL);

-- value is in the channel's unit; quality, flags and verdict as in plant.vocabulary; message is a journal offset. What is older than a
-- day or two lies in reading_block, and a row holds against what a block says of the same channel and time.
CREATE TABLE reading (
    channel INTEGER NOT NULL, time INTEGER NOT NULL, value REAL NOT NULL, quality INTEGER NOT NULL, flags INTEGER NOT NULL,
    verdict INTEGER NOT NULL, boot INTEGER NOT NULL, correction INTEGER NOT NULL, message INTEGER NOT NULL,
    PRIMARY KEY (channel, time)
) WITHOUT ROWID;

-- The readings of a channel and of the UTC day from start on as one block (store.readings.coding): count of them, which came with the
-- messages from low to high. Rows of about a kilobyte lie closer in a table with row numbers.
CREATE TABLE reading_block (
    channel INTEGER NOT NULL, start INTEGER NOT NULL, count INTEGER NOT NULL, low INTEGER NOT NULL, high INTEGER NOT NULL,
    block BLOB NOT NULL, UNIQUE (channel, start)
);

-- What lost a conflict is kept beside what won it.
CREATE TABLE reading_lost (
    channel INTEGER NOT NULL, time INTEGER NOT NULL, value REAL NOT NULL, quality INTEGER NOT NULL, flags INTEGER NOT NULL,
    verdict INTEGER NOT NULL, boot INTEGER NOT NULL, correction INTEGER NOT NULL, message INTEGER NOT NULL
);
-- Channels on which two meters seem to speak.
CREATE TABLE channel_conflict (channel INTEGER PRIMARY KEY);
CREATE INDEX reading_lost_by_identity ON reading_lost (channel, time);

-- One hour (of the park's zone) of a source's windows: block is float64 [windows, fields] in C order, fields as
-- store.blocks.FIELDS, compressed (store.packed.RowPacker); a window never computed is NaN with revision 0.
CREATE TABLE emission (
    source INTEGER NOT NULL, hour INTEGER NOT NULL, revision INTEGER NOT NULL, block BLOB NOT NULL, UNIQUE (source, hour)
);

-- Sums: level 1 hour, 2 local day, 3 local month. NULL is unknown. windows counts the windows with coverage > 0;
-- measured, interpolated and substituted are sums of shares over windows, so divide by the period's window count.
CREATE TABLE total (
    source INTEGER NOT NULL, level INTEGER NOT NULL, start INTEGER NOT NULL, windows INTEGER NOT NULL,
    co2e_t REAL, co2_kg REAL, co2_biogenic_kg REAL, ch4_kg REAL, n2o_kg REAL, activity REAL,
    measured REAL NOT NULL, interpolated REAL NOT NULL, substituted REAL NOT NULL, revision INTEGER NOT NULL,
    PRIMARY KEY (source, level, start)
) WITHOUT ROWID;

-- One row per transaction that changed a published number; changes is records (store.accounting.ledger), compressed; hash
-- is of what they are uncompressed, and chains the rows.
CREATE TABLE ledger (
    id INTEGER PRIMARY KEY, at INTEGER NOT NULL, cause TEXT NOT NULL, actor TEXT NOT NULL, configuration TEXT NOT NULL,
    journal_from INTEGER NOT NULL, journal_to INTEGER NOT NULL, changes BLOB NOT NULL, previous BLOB NOT NULL, hash BLOB NOT NULL
);
CREATE TRIGGER ledger_is_append_only_1 BEFORE UPDATE ON ledger BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER ledger_is_append_only_2 BEFORE DELETE ON ledger BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;

-- What InfluxDB has yet to be told. Readings go first in, first out; a window goes in its newest state:
-- bit w of dirty is window w of that hour, generation changes with every change.
CREATE TABLE influx_reading (id INTEGER PRIMARY KEY AUTOINCREMENT, count INTEGER NOT NULL, readings BLOB NOT NULL);
CREATE TABLE influx_emission (
    source INTEGER NOT NULL, hour INTEGER NOT NULL, dirty INTEGER NOT NULL, generation INTEGER NOT NULL,
    PRIMARY KEY (source, hour)
) WITHOUT ROWID;
CREATE TABLE influx_alert (id INTEGER PRIMARY KEY AUTOINCREMENT, line TEXT NOT NULL);
-- Hours of what InfluxDB was told without an answer (store.influx.doubts): kind is 'emission' (number a source, hour as in emission) or
-- 'reading' (a channel, hour by UTC); looks counts those that found it to agree, due is the next one.
CREATE TABLE influx_doubt (
    kind TEXT NOT NULL, number INTEGER NOT NULL, hour INTEGER NOT NULL, looks INTEGER NOT NULL, since INTEGER NOT NULL, due INTEGER NOT NULL,
    PRIMARY KEY (kind, number, hour)
) WITHOUT ROWID;
CREATE INDEX influx_doubt_by_due ON influx_doubt (due);

-- Sequence numbers seen, as runs; low_time is the first reading time of the run's first message that has readings,
-- high_time the last of its last one; low_at and high_at are the numbers of these two. hole_from to hole_to is the hole in
-- time that the run ends (ingest.known.sequences), NULL where it ends none.
CREATE TABLE sequence (
    gateway TEXT NOT NULL, boot TEXT NOT NULL, low INTEGER NOT NULL, high INTEGER NOT NULL, low_time INTEGER, high_time INTEGER,
    low_at INTEGER NOT NULL DEFAULT 0, high_at INTEGER NOT NULL DEFAULT 0, hole_from INTEGER, hole_to INTEGER,
    PRIMARY KEY (gateway, boot, low)
) WITHOUT ROWID;
CREATE INDEX sequence_dated ON sequence (gateway, boot, low) WHERE low_time IS NOT NULL;
CREATE INDEX sequence_hole ON sequence (gateway, hole_to) WHERE hole_to IS NOT NULL;

-- book is 'messages' or 'readings'; gateway is park/facility/gateway, '' where the topic did not say.
-- A row is of [start, finish): of a minute (level 0), and what is older of an hour (1) and of a local day (2), see store.totals.roll_up.
CREATE TABLE balance (
    gateway TEXT NOT NULL, level INTEGER NOT NULL, start INTEGER NOT NULL, finish INTEGER NOT NULL, book TEXT NOT NULL,
    received INTEGER NOT NULL, accepted INTEGER NOT NULL, late INTEGER NOT NULL, duplicate INTEGER NOT NULL,
    quarantined INTEGER NOT NULL, rejected INTEGER NOT NULL,
    PRIMARY KEY (gateway, level, start, book)
) WITHOUT ROWID;
CREATE TABLE code (
    gateway TEXT NOT NULL, level INTEGER NOT NULL, start INTEGER NOT NULL, finish INTEGER NOT NULL, code TEXT NOT NULL,
    count INTEGER NOT NULL, PRIMARY KEY (gateway, level, start, code)
) WITHOUT ROWID;
-- The same of all that ever came: their sums, kept with them.
CREATE TABLE balance_ever (
    gateway TEXT NOT NULL, book TEXT NOT NULL, received INTEGER NOT NULL, accepted INTEGER NOT NULL, late INTEGER NOT NULL,
    duplicate INTEGER NOT NULL, quarantined INTEGER NOT NULL, rejected INTEGER NOT NULL, PRIMARY KEY (gateway, book)
) WITHOUT ROWID;
CREATE TABLE code_ever (gateway TEXT NOT NULL, code TEXT NOT NULL, count INTEGER NOT NULL, PRIMARY KEY (gateway, code)) WITHOUT ROWID;

-- outcome is 'quarantined' (payload whole) or 'rejected' (its first KiB). accepted to refused are how its readings were
-- counted, counted whether its sequence number was new: a replay goes on from there. earliest and latest are the times of its
-- readings, refused ones too, as far as they can be read.
CREATE TABLE quarantine (
    message INTEGER PRIMARY KEY, received INTEGER NOT NULL, gateway TEXT NOT NULL, topic BLOB NOT NULL, outcome TEXT NOT NULL,
    code TEXT NOT NULL, path TEXT NOT NULL, detail TEXT NOT NULL, size INTEGER NOT NULL, digest BLOB NOT NULL, payload BLOB NOT NULL,
    accepted INTEGER NOT NULL DEFAULT 0, late INTEGER NOT NULL DEFAULT 0, duplicate INTEGER NOT NULL DEFAULT 0,
    refused INTEGER NOT NULL DEFAULT 0, counted INTEGER NOT NULL DEFAULT 0, earliest INTEGER, latest INTEGER
);
CREATE INDEX quarantine_by_digest ON quarantine (digest, received);

-- Gateways of their own that tell the history of a facility, as far back as oldest while closed is NULL (store.messages.backfills).
CREATE TABLE backfill (
    gateway TEXT PRIMARY KEY, oldest INTEGER NOT NULL, opened INTEGER NOT NULL, opened_by TEXT NOT NULL, reason TEXT NOT NULL, closed INTEGER
) WITHOUT ROWID;

-- What people enter that no meter sees (store.records.table): of [start, finish), or where the two are the same a level's value from then on,
-- in the unit as it was entered. Its id is message-row, message the journal offset of what entered it; replaces is the id of another, or ''.
-- An approved one is a reading of its channel at finish, with this correction; start is where its stretch begins.
-- The keys are the names of those with which it was entered and approved: a shared one is one person, whoever it says.
CREATE TABLE record (
    message INTEGER NOT NULL, row INTEGER NOT NULL, park TEXT NOT NULL, facility TEXT NOT NULL, channel TEXT NOT NULL, start INTEGER NOT NULL,
    finish INTEGER NOT NULL, value REAL NOT NULL, unit TEXT NOT NULL, source TEXT NOT NULL, evidence TEXT NOT NULL, note TEXT NOT NULL,
    replaces TEXT NOT NULL, standing TEXT NOT NULL, entered_by TEXT NOT NULL, entered_key TEXT NOT NULL, entered_at INTEGER NOT NULL, approved_by TEXT NOT NULL,
    approved_key TEXT NOT NULL, approved_at INTEGER, ended_by TEXT NOT NULL, ended_at INTEGER, reason TEXT NOT NULL, correction INTEGER, PRIMARY KEY (message, row)
) WITHOUT ROWID;
CREATE INDEX record_by_channel ON record (park, facility, channel, finish);
CREATE INDEX record_by_evidence ON record (evidence);
-- Who handed in which file, and in which message; the files lie beside the state (store.kept_files).
CREATE TABLE evidence (
    digest TEXT NOT NULL, by TEXT NOT NULL, at INTEGER NOT NULL, message INTEGER NOT NULL, kind TEXT NOT NULL, size INTEGER NOT NULL,
    PRIMARY KEY (digest, by)
) WITHOUT ROWID;

-- Movements of instruments (store.records.movements): how much of one, in its unit, was granted, bought, surrendered and so on, on a day of the
-- park's clock; facility is '' where the instrument is the park's. Its id is message, the journal offset of what entered it, and where it came
-- with a table its row there (from 1 on; 0 where it came alone); serials is JSON, a list of [series, first, last]. Movements of one day count in the order of approved_in, the offset of what approved them. Keys as of records.
CREATE TABLE movement (
    message INTEGER NOT NULL, row INTEGER NOT NULL, park TEXT NOT NULL, facility TEXT NOT NULL, instrument TEXT NOT NULL, act TEXT NOT NULL, day TEXT NOT NULL,
    amount REAL NOT NULL, year INTEGER, serials TEXT NOT NULL, source TEXT NOT NULL, evidence TEXT NOT NULL, note TEXT NOT NULL,
    standing TEXT NOT NULL, entered_by TEXT NOT NULL, entered_key TEXT NOT NULL, entered_at INTEGER NOT NULL, approved_by TEXT NOT NULL,
    approved_key TEXT NOT NULL, approved_at INTEGER, approved_in INTEGER, ended_by TEXT NOT NULL, ended_at INTEGER, reason TEXT NOT NULL, PRIMARY KEY (message, row)
) WITHOUT ROWID;
CREATE INDEX movement_by_evidence ON movement (evidence);

-- Papers that were issued (store.reports): number and revision as they say themselves, message is the decision's offset. periods, files
-- (digests by kind) and tonnes (of each month, as the paper was made from them) are JSON. A row is never changed.
CREATE TABLE report (
    id TEXT PRIMARY KEY, number INTEGER NOT NULL, revision INTEGER NOT NULL, at INTEGER NOT NULL, message INTEGER NOT NULL,
    actor TEXT NOT NULL, form TEXT NOT NULL, park TEXT NOT NULL, facility TEXT NOT NULL, periods TEXT NOT NULL, language TEXT NOT NULL,
    gwp TEXT NOT NULL, files TEXT NOT NULL, tonnes TEXT NOT NULL, ledger TEXT NOT NULL, configuration TEXT NOT NULL, version TEXT NOT NULL
) WITHOUT ROWID;

-- What a gateway's retained status (or last will) said last, in which message of the journal, and how many came.
CREATE TABLE gateway_status (
    gateway TEXT PRIMARY KEY, at INTEGER NOT NULL, online INTEGER, count INTEGER NOT NULL, payload BLOB NOT NULL,
    message INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;

-- status is 'firing', 'acknowledged', 'silenced', 'inhibited' or 'resolved'; labels and texts (what the rule says beyond
-- summary and description) are JSON. value comparison limit is what it fired for: '>', '>=', '<', '<=', '==', '!=', or ''. muted_by is the silence, maintenance window or alert that keeps it from being told.
CREATE TABLE alert (
    id TEXT PRIMARY KEY, rule TEXT NOT NULL, status TEXT NOT NULL, severity TEXT NOT NULL, started_at INTEGER NOT NULL, ended_at INTEGER,
    value REAL, "limit" REAL, unit TEXT NOT NULL, labels TEXT NOT NULL, summary TEXT NOT NULL, description TEXT NOT NULL,
    comparison TEXT NOT NULL DEFAULT '', texts TEXT NOT NULL DEFAULT '{}', muted_by TEXT NOT NULL DEFAULT '', acknowledged_at INTEGER, acknowledged_by TEXT NOT NULL DEFAULT '',
    assigned_to TEXT NOT NULL DEFAULT '', snoozed_until INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE INDEX alert_open ON alert (started_at) WHERE ended_at IS NULL;
CREATE INDEX alert_by_start ON alert (started_at, id);
-- Where a rule stands with each of its subjects, as alerts.judging.lifecycle has it: state is its Phase, fired JSON times, alert the
-- open one's id or '', passed the place of the comparison that it fired for, or -1. Of a limit judged is how far it has judged, at first
-- the instant before it was configured; told is when a receiver was told last that it fires. gateway_heard is kept while a condition
-- asks of gateways: offsets are the least of received - time of each minute up to minute (since 1970), float64 [ns].
CREATE TABLE rule_state (
    rule TEXT NOT NULL, subject TEXT NOT NULL, state INTEGER NOT NULL, since INTEGER NOT NULL, firing INTEGER NOT NULL,
    cleared_since INTEGER NOT NULL, fired TEXT NOT NULL, shelved_until INTEGER NOT NULL, alert TEXT NOT NULL, passed INTEGER NOT NULL,
    judged INTEGER NOT NULL, told INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (rule, subject)
) WITHOUT ROWID;
CREATE TABLE gateway_heard (gateway TEXT PRIMARY KEY, at INTEGER NOT NULL, minute INTEGER NOT NULL, offsets BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE late_breach (rule TEXT NOT NULL, time INTEGER NOT NULL, value REAL NOT NULL, PRIMARY KEY (rule, time)) WITHOUT ROWID;

-- What happened to alerts, and who did it: kind is firing, resolved, acknowledged, snoozed, assigned, commented, silenced,
-- unsilenced, inhibited, escalated or retroactive. alert is '' where it is of a silence or a rule; detail is JSON.
CREATE TABLE alert_event (
    id INTEGER PRIMARY KEY AUTOINCREMENT, alert TEXT NOT NULL, at INTEGER NOT NULL, kind TEXT NOT NULL, actor TEXT NOT NULL, detail TEXT NOT NULL
);
CREATE INDEX alert_event_by_alert ON alert_event (alert);
CREATE TRIGGER alert_event_is_append_only_1 BEFORE UPDATE ON alert_event BEGIN SELECT RAISE(ABORT, 'alert events are append-only'); END;
CREATE TRIGGER alert_event_is_append_only_2 BEFORE DELETE ON alert_event BEGIN SELECT RAISE(ABORT, 'alert events are append-only'); END;
-- What people silenced: match is a JSON list of matchers as they are written; finish is moved to now by whoever ends it.
CREATE TABLE silence (
    id TEXT PRIMARY KEY, match TEXT NOT NULL, start INTEGER NOT NULL, finish INTEGER NOT NULL, actor TEXT NOT NULL, comment TEXT NOT NULL,
    ended_by TEXT NOT NULL DEFAULT ''
) WITHOUT ROWID;
CREATE INDEX silence_by_end ON silence (finish);
-- What each receiver was told of each group of alerts; content is JSON (alerts.telling.groups.Group).
CREATE TABLE alert_group (receiver TEXT NOT NULL, name TEXT NOT NULL, content BLOB NOT NULL, PRIMARY KEY (receiver, name)) WITHOUT ROWID;

-- Webhooks to send, first in first out as alerts.tables.webhook_order says; alert is a group's id for notices of groups, body never
-- changes, event_id is the webhook-id. tried is the first attempt since it was queued or replayed; dead is when it was given up, and it then holds up nothing.
CREATE TABLE webhook (
    id INTEGER PRIMARY KEY AUTOINCREMENT, event_id TEXT NOT NULL, endpoint TEXT NOT NULL, alert TEXT NOT NULL, body BLOB NOT NULL,
    created INTEGER NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, due INTEGER NOT NULL, delivered INTEGER, error TEXT NOT NULL DEFAULT '',
    tried INTEGER, dead INTEGER, held INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX webhook_waiting ON webhook (endpoint, held, due) WHERE delivered IS NULL AND dead IS NULL;
CREATE INDEX webhook_dead ON webhook (endpoint) WHERE dead IS NOT NULL;
-- Which alerts each of them tells of, by the fingerprints of their labels; is_end: that it is over. state is 1 while the event
-- waits, 2 where it was given up, 0 where it was taken. held of an event that waits: whether an older one of its labels waits.
CREATE TABLE webhook_about (
    webhook INTEGER NOT NULL, fingerprint TEXT NOT NULL, alert TEXT NOT NULL, endpoint TEXT NOT NULL, is_end INTEGER NOT NULL,
    state INTEGER NOT NULL DEFAULT 1, PRIMARY KEY (webhook, fingerprint, alert)
) WITHOUT ROWID;
CREATE INDEX webhook_about_open ON webhook_about (endpoint, fingerprint, state, webhook) WHERE state > 0;
CREATE INDEX webhook_about_labels ON webhook_about (endpoint, fingerprint, webhook);
CREATE INDEX webhook_about_alert ON webhook_about (alert, endpoint);
CREATE VIEW webhook_held AS
    SELECT mine.webhook FROM webhook_about mine JOIN webhook_about older ON older.endpoint = mine.endpoint
    AND older.fingerprint = mine.fingerprint AND older.state > 0 AND older.state = 1 AND older.webhook < mine.webhook;
CREATE TRIGGER webhook_queued AFTER INSERT ON webhook_about BEGIN
    UPDATE webhook SET held = 1 WHERE id = NEW.webhook AND EXISTS (SELECT 1 FROM webhook_held WHERE webhook = NEW.webhook);
END;
CREATE TRIGGER webhook_settled AFTER UPDATE OF delivered, dead ON webhook BEGIN
    UPDATE webhook_about SET state = iif(NEW.dead IS NULL, NEW.delivered IS NULL, 2) WHERE webhook = NEW.id;
END;
CREATE TRIGGER webhook_followed AFTER UPDATE OF state ON webhook_about WHEN OLD.state = 1 AND NEW.state <> 1 BEGIN
    UPDATE webhook SET held = 0 WHERE id = (
        SELECT min(webhook) FROM webhook_about WHERE endpoint = NEW.endpoint AND fingerprint = NEW.fingerprint
        AND state > 0 AND state = 1
    ) AND NOT EXISTS (SELECT 1 FROM webhook_held WHERE webhook = id);
END;
CREATE TRIGGER webhook_forgotten AFTER DELETE ON webhook BEGIN
    DELETE FROM webhook_about WHERE webhook = OLD.id;
END;
-- What was asked of the outbox with an Idempotency-Key, in the last 90 days (store.once); count is how many events it was about.
CREATE TABLE webhook_request (id TEXT PRIMARY KEY, at INTEGER NOT NULL, count INTEGER NOT NULL) WITHOUT ROWID;
-- Attempts, the newest 100,000; webhook is NULL for a heartbeat, status 0 where there was no answer, error '' where it was taken.
CREATE TABLE delivery (
    id INTEGER PRIMARY KEY AUTOINCREMENT, webhook INTEGER, endpoint TEXT NOT NULL, event_id TEXT NOT NULL, at INTEGER NOT NULL,
    status INTEGER NOT NULL, error TEXT NOT NULL, took_ms INTEGER NOT NULL
);
CREATE INDEX delivery_by_endpoint ON delivery (endpoint);
CREATE INDEX delivery_by_event ON delivery (event_id);
-- What became of an endpoint's attempts. disabled is when it answered 410, address the SHA-256 of the URL that did.
CREATE TABLE endpoint_state (
    endpoint TEXT PRIMARY KEY, delivered INTEGER NOT NULL DEFAULT 0, failed INTEGER NOT NULL DEFAULT 0, last_error TEXT NOT NULL DEFAULT '',
    last_delivered INTEGER NOT NULL DEFAULT 0, disabled INTEGER, address BLOB
) WITHOUT ROWID;

-- Months of parks that were closed; finish is the month's end. status is 'provisional', 'final' or 'restated'. What
-- waits for approval has a generation (store.accounting.pending), and whoever approved first approved that one. closed_by closed it, despite
-- is the reason why it was closed though it did not pass the gates (store.messages.standing) in overruled, names in JSON.
CREATE TABLE period (
    park TEXT NOT NULL, start INTEGER NOT NULL, finish INTEGER NOT NULL, status TEXT NOT NULL,
    approved_by TEXT NOT NULL, approved_generation INTEGER NOT NULL, closed_by TEXT NOT NULL DEFAULT '', despite TEXT NOT NULL DEFAULT '',
    overruled TEXT NOT NULL DEFAULT '[]', PRIMARY KEY (park, start)
) WITHOUT ROWID;
-- Hours of final months as they would be, block as in emission; the published ones stay there until somebody approves.
CREATE TABLE pending_emission (source INTEGER NOT NULL, hour INTEGER NOT NULL, block BLOB NOT NULL, PRIMARY KEY (source, hour)) WITHOUT ROWID;
-- What people decided of periods, of alerts and of quarantine (park '' then), refused decisions too; message is the journal offset.
CREATE TABLE decision (
    id TEXT PRIMARY KEY, at INTEGER NOT NULL, message INTEGER NOT NULL, actor TEXT NOT NULL, action TEXT NOT NULL,
    park TEXT NOT NULL, start INTEGER NOT NULL, outcome TEXT NOT NULL, detail TEXT NOT NULL
) WITHOUT ROWID;

-- Clock hours of sources under a regulation, without gaps from a source's first. status and the rules inside inputs are
-- numbers of rules.american.regulation and rules.american.substitution; inputs is msgpack (store.accounting.regulated); live_co2e_t is the live number of
-- the hour when it was counted. NULL is unknown. The history is chained as the ledger is, over changes (columns).
CREATE TABLE regulated_hour (
    source INTEGER NOT NULL, hour INTEGER NOT NULL, revision INTEGER NOT NULL, status INTEGER NOT NULL,
    co2e_t REAL, live_co2e_t REAL, inputs BLOB NOT NULL, PRIMARY KEY (source, hour)
) WITHOUT ROWID;
-- Those of final months as they would be; the published ones stay there until somebody approves.
CREATE TABLE pending_regulated (
    source INTEGER NOT NULL, hour INTEGER NOT NULL, status INTEGER NOT NULL, co2e_t REAL, live_co2e_t REAL, inputs BLOB NOT NULL,
    PRIMARY KEY (source, hour)
) WITHOUT ROWID;
CREATE TABLE regulated_ledger (
    id INTEGER PRIMARY KEY, at INTEGER NOT NULL, cause TEXT NOT NULL, actor TEXT NOT NULL, configuration TEXT NOT NULL,
    journal_from INTEGER NOT NULL, journal_to INTEGER NOT NULL, changes BLOB NOT NULL, previous BLOB NOT NULL, hash BLOB NOT NULL
);
CREATE TRIGGER regulated_ledger_is_append_only_1 BEFORE UPDATE ON regulated_ledger BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER regulated_ledger_is_append_only_2 BEFORE DELETE ON regulated_ledger BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;

-- Late readings of conditions (alerts.tables.late_looks): subjects whose instants [first, last] are to be judged again, not before due;
-- marks counts how often such came. condition_begun is since when a condition is judged, on which grid, and up to which instant it
-- was judged before it had that grid; late_span is where late data showed a breach.
CREATE TABLE late_look (
    condition TEXT NOT NULL, subject TEXT NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, due INTEGER NOT NULL,
    marks INTEGER NOT NULL, PRIMARY KEY (condition, subject)
) WITHOUT ROWID;
CREATE INDEX late_look_by_due ON late_look (due);
CREATE TABLE condition_begun (
    condition TEXT PRIMARY KEY, at INTEGER NOT NULL, every INTEGER NOT NULL, delay INTEGER NOT NULL, judged INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE late_span (
    condition TEXT NOT NULL, subject TEXT NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, PRIMARY KEY (condition, subject, first)
) WITHOUT ROWID;
CREATE INDEX alert_by_rule ON alert (rule, started_at);

-- Sparkplug edge nodes: births, aliases and sequence as ingest.sparkplug.nodes packs them.
CREATE TABLE sparkplug_node (node TEXT PRIMARY KEY, content BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE sparkplug_birth (node TEXT PRIMARY KEY, content BLOB NOT NULL);
-- Those, and their devices, that are not there (store.messages.sparkplug.Absence): message is the journal offset of what said so, metrics and
-- the channels that these are by the configuration are JSON.
CREATE TABLE sparkplug_away (
    node TEXT NOT NULL, device TEXT NOT NULL, online INTEGER, since INTEGER NOT NULL, message INTEGER NOT NULL,
    metrics TEXT NOT NULL, gateway TEXT NOT NULL, channels TEXT NOT NULL, PRIMARY KEY (node, device)
) WITHOUT ROWID;

-- Replays of refused messages: message is the decision's offset, wanted the decision as JSON, taken the offset up to which it
-- has come, became JSON (store.messages.replays.Became). finished is NULL as long as there is more to take.
CREATE TABLE replay (
    message INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, at INTEGER NOT NULL, wanted BLOB NOT NULL, taken INTEGER NOT NULL,
    became BLOB NOT NULL, finished INTEGER
);
CREATE INDEX replay_open ON replay (message) WHERE finished IS NULL;

-- Steps of the system's clock (store.messages.clock_steps): message is the journal offset, at the time of the clock as it was set.
CREATE TABLE clock_step (message INTEGER PRIMARY KEY, at INTEGER NOT NULL, first INTEGER NOT NULL, step INTEGER NOT NULL);

-- Topics that a subscription only looks out for: how many messages came of each. Of these the newest are in quarantine.
CREATE TABLE inbox (topic BLOB PRIMARY KEY, count INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX quarantine_by_topic ON quarantine (topic, message) WHERE gateway = '';

-- Months and messages that the archive has (store.archive.archived): times are ns UTC, message and keep_from journal offsets, files JSON.
CREATE TABLE archived_month (
    park TEXT NOT NULL, month TEXT NOT NULL, start INTEGER NOT NULL, finish INTEGER NOT NULL, through INTEGER NOT NULL,
    keep_from INTEGER NOT NULL, at INTEGER NOT NULL, message INTEGER NOT NULL, files TEXT NOT NULL, PRIMARY KEY (park, start)
) WITHOUT ROWID;
CREATE TABLE archived_messages (
    first INTEGER PRIMARY KEY, finish INTEGER NOT NULL, name TEXT NOT NULL, sha256 TEXT NOT NULL, size INTEGER NOT NULL, message INTEGER NOT NULL
);
