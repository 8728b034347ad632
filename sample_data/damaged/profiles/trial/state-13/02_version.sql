-- SC002: an update to 0.16.0 wrote its number and was killed before it added what belongs to it.

UPDATE schema_version SET version = 14;
