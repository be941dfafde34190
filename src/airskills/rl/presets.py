"""Ready rewards as module attributes, for configurations that take a dotted path.

TRL's command line takes `reward_funcs: [airskills.rl.presets.repetition_penalty]`: a ready object, not a factory.
"""

from airskills.rl.rewards import (
    DistinctN,
    JsonSchema,
    MathAnswer,
    RepetitionPenalty,
    Sentiment,
    Similarity,
    SoftOverlong,
    TagFormat,
    TokenEntropy,
)

repetition_penalty = RepetitionPenalty()
distinct_1 = DistinctN(1)
distinct_2 = DistinctN(2)
token_entropy = TokenEntropy()
soft_overlong_512 = SoftOverlong(max_length=512, cache=128)
soft_overlong_4096 = SoftOverlong(max_length=4096, cache=1024)
math_answer = MathAnswer()
think_answer_format = TagFormat(("think", "answer"))
json_object = JsonSchema({"type": "object"})
positive_sentiment = Sentiment()
similarity = Similarity()
