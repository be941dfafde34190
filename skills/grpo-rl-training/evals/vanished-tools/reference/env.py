"""A small library: the model looks for a page and reads it. Tools are plain methods, the helper is hidden."""

PAGES = {"mars": "Mars has two moons.", "venus": "Venus has none.", "earth": "Earth has one moon."}


class Library:
    def __init__(self):
        self.calls = 0

    def reset(self, **_row):
        self.calls = 0

    def find(self, word: str) -> str:
        """Find the names of pages that contain a word.

        Args:
            word: the word to look for.

        Returns:
            Names of pages, separated by commas.
        """
        self.calls += 1
        return ", ".join(name for name, text in PAGES.items() if self._contains(text, word))

    def read(self, name: str) -> str:
        """Read a page.

        Args:
            name: name of the page.

        Returns:
            The text of the page.
        """
        return PAGES.get(name, "no such page")

    @staticmethod
    def _contains(text: str, word: str) -> bool:
        return word.lower() in text.lower()

    def get_reward(self) -> float:
        return 1.0 if self.calls else 0.0
