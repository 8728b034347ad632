"""Code that runs inside a release's process; it imports nothing else of the tests."""
