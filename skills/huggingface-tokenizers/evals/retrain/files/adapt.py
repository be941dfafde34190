"""A vocabulary for a new domain, with the design of an existing tokenizer."""

import sys

from transformers import AutoTokenizer


def adapt(base, lines, out, vocab_size):
    """Train on the lines and save in `out`."""
    tokenizer = AutoTokenizer.from_pretrained(base)
    tokenizer.padding_side = "left"
    tokenizer.truncation_side = "left"
    tokenizer.model_max_length = 4096
    tokenizer.add_tokens(["<obs>", "</obs>"])
    tokenizer.train_new_from_iterator(lines, vocab_size).save_pretrained(out)


if __name__ == "__main__":
    with open(sys.argv[2], encoding="utf-8") as corpus:
        adapt(sys.argv[1], list(corpus), sys.argv[3], int(sys.argv[4]))
