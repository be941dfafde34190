"""A small library: the model looks for a page and reads it. The tools were written when the code ran on TRL 1.10."""

PAGES = {"mars": "Mars has two moons.", "venus": "Venus has none.", "earth": "Earth has one moon."}


def _finder(environment):
    def find(word: str) -> str:
        """Find the names of pages that contain a word.

        Args:
            word: the word to look for.

        Returns:
            Names of pages, separated by commas.
        """
        environment.calls += 1
        return ", ".join(name for name, text in PAGES.items() if environment.contains(text, word))

    return find


class Library:
    def __init__(self):
        self.calls = 0
        self.find = _finder(self)

    def reset(self, **row):
        self.calls = 0
        return None

    @classmethod
    def read(cls, name: str) -> str:
        """Read a page.

        Args:
            name: name of the page.

        Returns:
            The text of the page.
        """
        return PAGES.get(name, "no such page")

    @staticmethod
    def contains(text: str, word: str) -> bool:
        """Whether a text contains a word.

        Args:
            text: the text.
            word: the word.

        Returns:
            True or False.
        """
        return word.lower() in text.lower()

    def get_reward(self) -> float:
        return 1.0 if self.calls else 0.0
