-- Three compression locks that nobody holds. Their processes never were: Linux gives no number above
-- 4194304.

-- LK001: past its time.
INSERT INTO compression_locks (session_id, holder, acquired_at, expires_at) VALUES
('20260610_091503_77aa01de', 'pid=4200101:tid=140001:agent=7f3a10:nonce=5c11d0a2', at('2026-06-14 20:40:31'), at('2026-06-14 20:45:31'));

-- LK002: has time left, and its process is gone. Five minutes after the build it is an LK001 as well.
INSERT INTO compression_locks (session_id, holder, acquired_at, expires_at) VALUES
('20260611_143000_0b5e7f3c', 'pid=4200202:tid=140002:agent=7f3b20:nonce=9e07c4f8', ago(10), ago(-290));

-- LK003: past its time, and its session was deleted.
INSERT INTO compression_locks (session_id, holder, acquired_at, expires_at) VALUES
('20260609_120000_deadc0de', 'pid=4200303:tid=140003:agent=7f3c30:nonce=10f2ab67', at('2026-06-09 12:31:08'), at('2026-06-09 12:36:08'));
