"""A vocabulary for a new domain, with the design of an existing tokenizer."""

from transformers import AutoTokenizer


def adapt(base, lines, out, vocab_size):
    """Train on the lines and save in `out`."""
    tokenizer = AutoTokenizer.from_pretrained(base)
    plain = [token for token in tokenizer.added_tokens_decoder.values() if not token.special]
    new = tokenizer.train_new_from_iterator(lines, vocab_size - len(plain) - 2)
    new.add_tokens(["<obs>", "</obs>"])
    new.padding_side = "left"
    new.truncation_side = "left"
    new.model_max_length = 4096
    new.save_pretrained(out)
