"""reward_funcs=[right, brevity], reward_weights=[1.0, 0.02]; one token is one character here."""


def right(completions, answer, **_):
    return [float(text.rstrip().endswith(gold)) for text, gold in zip(completions, answer, strict=True)]


def brevity(completion_ids, **_):
    return [-len(ids) / 100 for ids in completion_ids]
