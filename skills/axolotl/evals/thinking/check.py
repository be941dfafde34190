"""Tokenize rows with the answer's configuration and look at what is trained."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from fixtures import END, EOT, answer, from_text, tokenized, tokenizer

TEMPLATE = (Path(__file__).parent / "files" / "chat_template.jinja").read_text(encoding="utf-8")
ROWS = [("2 + 2?", "two and two", "4"), ("Capital of France?", "France, so Paris", "Paris.")]


def main() -> int:
    """Exit 0 when reasoning, answer and terminator of every row are trained, and nothing else."""
    answer(sys.argv[1])
    cfg = from_text((Path(sys.argv[1]) / "config.yml").read_text(encoding="utf-8"))
    for question, thought, said in ROWS:
        reply = {"role": "assistant", "content": said, "thinking": thought}
        row = {"messages": [{"role": "user", "content": question}, reply]}
        made = tokenized(cfg, row, tokenizer(END, TEMPLATE))[1]
        print(made)
        if made != [f"<think>{thought}</think>{said}{EOT}"]:
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
