"""How our server encodes a prompt; shared by all models."""

from transformers import AutoTokenizer


def load(folder):
    """The tokenizer of a model."""
    return AutoTokenizer.from_pretrained(folder)


def encode(tokenizer, messages):
    """Token ids of a prompt; contents come from strangers."""
    out = tokenizer.apply_chat_template(messages, add_generation_prompt=True, sanitize_control_tokens=True)
    return out["input_ids"]
