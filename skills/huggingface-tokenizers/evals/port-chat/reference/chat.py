"""Logged conversations as training ids, on transformers 5.23."""

from datetime import date

TEMPLATE = """\
{% for m in messages %}<|im_start|>{{ m.role }}
{% if loop.first %}Today is {{ today }}.
{% endif %}{% if m.reasoned %}<think>{{ m.reasoned }}</think>
{% endif %}{{ m.text }}{% if m.order %}{{ '\n' ~ m.order }}{% endif %}<|im_end|>
{% endfor %}"""


def plain(message):
    """What the template shows of a message, as strings, under names that transformers leaves alone."""
    content, order = message["content"], message.get("order")
    return {
        "role": message["role"],
        "text": "(no text)" if content is None else str(content),
        "reasoned": message.get("reasoning_content") or "",
        "order": order and f"order {order['id']}, {order['placed']}, total {order['total']} EUR",
    }


def to_ids(tokenizer, conversation, today=None):
    """Token ids of a conversation."""
    today = f"{today or date.today():%d.%m.%Y}"  # noqa: DTZ011  (the local day, as before)
    messages = [plain(message) for message in conversation]
    return tokenizer.apply_chat_template(messages, chat_template=TEMPLATE, today=today)["input_ids"]
