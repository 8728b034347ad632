"""Values in, words out: text for people and one JSON document for programs."""
