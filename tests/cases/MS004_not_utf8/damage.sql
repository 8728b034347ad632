UPDATE messages SET content = CAST(x'5768656e20646f65732074686520636166e9206f70656e3f' AS TEXT) WHERE session_id = 'cafe' AND role = 'user';
