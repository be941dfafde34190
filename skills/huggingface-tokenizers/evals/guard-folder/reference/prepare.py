"""Let no added token of the tokenizer come from the content of a message."""

from transformers import AutoTokenizer


def prepare(folder):
    """Name every added token as a control token of chats, and save."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.chat_control_tokens = list(tokenizer.get_added_vocab())
    tokenizer.save_pretrained(folder)
