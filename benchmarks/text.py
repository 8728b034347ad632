"""Invented text by the megabyte: words of syllables, put together by a seeded generator."""

from __future__ import annotations

from random import Random

_SYLLABLES = tuple(first + second for first in "bdfgklmnprstvz" for second in "aeiou")
_ENDS = ("", "n", "r", "s", "t", "l", "ch", "ng")
_SCRIPTS = (
    "番茄苗长得很好",
    "夜行列車で行きます",
    "오늘은 비가 옵니다",
    "Grüße aus Köln 🌧️",
    "✓ done 🎉",
)
_WORDS = 6000
_SENTENCES = 20000
_OTHER_SCRIPT = 0.03
"""Share of sentences with characters outside ASCII."""


class Text:
    """Sentences made once, texts drawn from them; equal seeds give equal texts."""

    def __init__(self, random: Random) -> None:
        self._random = random
        words = [
            "".join(random.choices(_SYLLABLES, k=random.randint(1, 4))) + random.choice(_ENDS)
            for _ in range(_WORDS)
        ]
        self._sentences = [self._sentence(words) for _ in range(_SENTENCES)]

    def _sentence(self, words: list[str]) -> str:
        if self._random.random() < _OTHER_SCRIPT:
            return self._random.choice(_SCRIPTS) + "."
        chosen = self._random.choices(words, k=self._random.randint(4, 14))
        return " ".join(chosen).capitalize() + "."

    def draw(self, fewest: int, most: int, between: str = " ") -> str:
        """Return ``fewest`` to ``most`` sentences; one has about 55 characters."""
        count = self._random.randint(fewest, most)
        return between.join(self._random.choices(self._sentences, k=count))
