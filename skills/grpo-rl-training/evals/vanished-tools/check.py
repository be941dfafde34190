"""Give the environment to the real trainer: its tools are find and read, nothing else, and they work."""

import contextlib
import importlib.util
import io
import logging
import os
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
os.environ["TRL_EXPERIMENTAL_SILENCE"] = "1"
from fixtures import config, tiny_model, tiny_tokenizer
from trl import GRPOTrainer


def main() -> int:
    """Exit 0 when both tools are exposed and behave."""
    logging.disable(logging.ERROR)
    spec = importlib.util.spec_from_file_location("env", Path(sys.argv[1]) / "env.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with tempfile.TemporaryDirectory() as out, contextlib.redirect_stdout(io.StringIO()):
        trainer = GRPOTrainer(
            model=tiny_model(),
            processing_class=tiny_tokenizer(),
            environment_factory=module.Library,
            args=config(output_dir=out),
        )
        trainer.train()
        prompts = [[{"role": "user", "content": "x"}]] * len(trainer.environments)
        ids = trainer._tokenize_prompts(prompts)[0][0]  # noqa: SLF001 - nothing public shows the rendered prompt
        prompt = trainer.processing_class.decode(ids)
    tools = {tool.__name__ for tool in trainer.tools}
    if tools != {"find", "read"}:
        print(f"the trainer exposes {sorted(tools)}, expected find and read")
        return 1
    one, two = module.Library(), module.Library()
    one.reset(), two.reset()
    found = one.find("moon"), one.read("mars"), one.get_reward(), two.get_reward()
    if found != ("mars, earth", "Mars has two moons.", 1.0, 0.0):
        print(f"find, read, reward of this and of another instance: {found}")
        return 1
    rendered = '"name": "find"' in prompt and '"name": "read"' in prompt
    print("both tools are in the prompt" if rendered else "the tools are not in the prompt")
    return 0 if rendered else 1


if __name__ == "__main__":
    sys.exit(main())
