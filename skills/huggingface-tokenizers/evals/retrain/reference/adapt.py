"""A vocabulary for a new domain, with the design of an existing tokenizer."""

from transformers import AutoTokenizer

NEW = ["<obs>", "</obs>"]


def adapt(base, lines, out, vocab_size):
    """Train on the lines and save in `out`."""
    tokenizer = AutoTokenizer.from_pretrained(
        base, padding_side="left", truncation_side="left", model_max_length=4096
    )
    plain = [token for token in tokenizer.added_tokens_decoder.values() if not token.special]
    new = tokenizer.train_new_from_iterator(lines, vocab_size - len(plain) - len(NEW), show_progress=False)
    new.add_tokens(NEW)
    if len(new) != vocab_size:
        raise ValueError(f"{len(new)} tokens instead of {vocab_size}: the corpus is too small")
    new.save_pretrained(out)
