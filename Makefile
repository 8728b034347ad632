# make long: what .ci/run leaves out for time; make bench: the budget, measured.
.PHONY: test long lint bench

test:
	.venv/bin/pytest

long:
	.venv/bin/pytest -m long
	.venv/bin/pytest -m hypothesis --hypothesis-profile random

lint:
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports

bench:
	.venv/bin/python -m benchmarks.run
