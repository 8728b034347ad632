UPDATE sessions SET title = 'The caf' || char(65533) WHERE id = 'tea';
UPDATE sessions SET
    title = CAST(x'54686520636166e9' AS TEXT),
    system_prompt = CAST(x'596f752061726520ff2e' AS TEXT)
WHERE id = 'cafe';
