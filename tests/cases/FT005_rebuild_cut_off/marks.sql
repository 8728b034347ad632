INSERT INTO state_meta (key, value) VALUES ('fts_rebuild_high_water', '4');
INSERT INTO state_meta (key, value) VALUES ('fts_rebuild_progress', '2');
