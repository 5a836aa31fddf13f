-- A database as the first slice of pytest-aosfarm left it (schema version 1): three runs, one of a tenant of its own.
PRAGMA application_id = 1634693990;
PRAGMA user_version = 1;
CREATE TABLE farm_runs (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
	uuid TEXT NOT NULL UNIQUE,
	tenant TEXT, scenario TEXT, lab TEXT,
	scale TEXT NOT NULL, seed TEXT NOT NULL, anchor DATETIME NOT NULL, profile TEXT NOT NULL,
	chaos TEXT, status TEXT NOT NULL, exit_code INTEGER,
	started_at DATETIME NOT NULL, finished_at DATETIME,
	collected INTEGER,
	deselected INTEGER NOT NULL, passed INTEGER NOT NULL, failed INTEGER NOT NULL, errors INTEGER NOT NULL,
	skipped INTEGER NOT NULL, xfailed INTEGER NOT NULL, xpassed INTEGER NOT NULL, crashed INTEGER NOT NULL,
	not_run INTEGER, grades JSON NOT NULL, versions JSON NOT NULL
);
CREATE TABLE farm_run_tests (
	run_id INTEGER NOT NULL, nodeid TEXT NOT NULL, attempt INTEGER NOT NULL,
	identity TEXT NOT NULL, outcome TEXT NOT NULL, phase TEXT NOT NULL, worker TEXT,
	started_at DATETIME NOT NULL,
	setup_us BIGINT NOT NULL, call_us BIGINT NOT NULL, teardown_us BIGINT NOT NULL,
	message TEXT, tenant TEXT, properties JSON NOT NULL,
	PRIMARY KEY (run_id, nodeid, attempt),
	FOREIGN KEY(run_id) REFERENCES farm_runs (id) ON DELETE CASCADE
);
INSERT INTO farm_runs VALUES
(1, 'u-1', NULL, NULL, 'aod', 'small', '9223372036854775807', '2026-01-15 12:00:00.000000', 'typical', NULL, 'failed', 1,
 '2026-11-24 10:00:00.000000', '2026-11-24 10:00:09.500000', 3, 1, 2, 1, 0, 0, 0, 0, 0, 0,
 '{"aod": {"shadow": {"f1": 0.5}}}', '{"python": "3.11.7", "platform": "Linux", "pytest": "9.2.0", "pytest-xdist": "3.8.0"}'),
(2, 'u-2', 'acme', NULL, NULL, 'large', '7', '2026-01-15 12:00:00.000000', 'clean', NULL, 'passed', 0,
 '2026-11-24 11:00:00.000000', '2026-11-24 11:00:01.000000', 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, '{}', '{"pytest": "9.2.0"}'),
(4, 'u-4', NULL, NULL, NULL, 'small', '1', '2026-01-15 12:00:00.000000', 'typical', NULL, 'running', NULL,
 '2026-11-24 12:00:00.000000', NULL, 9, 0, 1, 0, 0, 0, 0, 0, 0, 8, '{}', '{"pytest": "9.2.0"}');
INSERT INTO farm_run_tests VALUES
(1, 'labs/aod/test_a.py::test_a', 1, 'aod.test_a::test_a', 'passed', 'call', 'gw0', '2026-11-24 10:00:01.250000',
 1, 2, 3, NULL, 'aod.test_a::test_a', '{"farm.grade.aod.shadow.f1": 0.5}'),
(1, 'labs/aod/test_a.py::test_b', 1, 'aod.test_a::test_b', 'rerun', 'call', NULL, '2026-11-24 10:00:02.000000',
 1, 2, 3, 'assert 0', 'lab:aod', '{}'),
(1, 'labs/aod/test_a.py::test_b', 2, 'aod.test_a::test_b', 'passed', 'call', NULL, '2026-11-24 10:00:03.000000',
 1, 2, 3, NULL, 'lab:aod', '{}'),
(1, 'x.py::test_one', 1, 'same', 'failed', 'call', NULL, '2026-11-24 10:00:04.000000', 1, 2, 3, 'boom', NULL, '{}'),
(1, 'y.py::test_two', 1, 'same', 'passed', 'call', NULL, '2026-11-24 10:00:05.000000', 1, 2, 3, NULL, NULL, '{}'),
(2, 'x.py::test_one', 1, 'same', 'passed', 'call', NULL, '2026-11-24 11:00:00.500000', 1, 2, 3, NULL, 'acme', '{}'),
(4, 'x.py::test_one', 1, 'same', 'passed', 'call', NULL, '2026-11-24 12:00:00.500000', 1, 2, 3, NULL, NULL, '{}');
