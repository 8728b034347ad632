"""What a merge decides, held against what two copies of a home really went through.

A base is played by a real release (:mod:`tests.histories`), copied, and each copy goes on with acts
of its own; every message has a mark, so that it is known which side said it and who took it back.
Every pair is compared, applied (:mod:`.apply`), read by the release, and judged (:mod:`.judge`).
What is left to the owner is named then, each alone and all, and judged again.
``python -m tests.merging.table`` prints what came of all of them.
"""
