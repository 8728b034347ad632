"""What runs inside a release; see :mod:`tests.histories`."""
