"""Logged conversations as training ids; ran on transformers 5.19.0."""

from datetime import date

TEMPLATE = """\
{% for m in messages %}<|im_start|>{{ m.role }}
{% if loop.first %}Today is {{ today.strftime('%d.%m.%Y') }}.
{% endif %}{% if m.reasoning_content %}<think>{{ m.reasoning_content }}</think>
{% endif %}{% if m.content is none %}(no text){% else %}{{ m.content }}{% endif %}{% if m.order %}{{ '\n' }}order {{ m.order.id }}, {{ m.order.placed }}, total {{ m.order.total }} EUR{% endif %}<|im_end|>
{% endfor %}"""


def to_ids(tokenizer, conversation, today=None):
    """Token ids of a conversation."""
    today = today or date.today()
    return tokenizer.apply_chat_template(conversation, chat_template=TEMPLATE, today=today)["input_ids"]
