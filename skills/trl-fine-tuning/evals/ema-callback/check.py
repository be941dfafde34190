"""Train with the answer's callback and compare its model with an average taken independently."""

import contextlib
import importlib.util
import io
import logging
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import torch
from datasets import Dataset
from fixtures import CPU, TALK, tiny_model, tiny_tokenizer
from transformers import AutoModelForCausalLM, PreTrainedModel, TrainerCallback
from trl import SFTConfig, SFTTrainer

DECAY = 0.8


class Recorder(TrainerCallback):
    """The same average, over copies of the state."""

    def on_train_begin(self, *_, model: PreTrainedModel, **__):
        self.state = {name: value.detach().clone() for name, value in model.state_dict().items()}

    def on_step_end(self, *_, model: PreTrainedModel, **__):
        for name, value in model.state_dict().items():
            self.state[name] = DECAY * self.state[name] + (1 - DECAY) * value.detach()


def wrong(module, family: str) -> str:
    """What differs for a model of the family; empty when nothing does."""
    recorder, ema = Recorder(), module.EMA(decay=DECAY)
    with tempfile.TemporaryDirectory() as out, contextlib.redirect_stdout(io.StringIO()):
        trainer = SFTTrainer(
            model=tiny_model(family),
            processing_class=tiny_tokenizer(),
            train_dataset=Dataset.from_list(TALK),
            args=SFTConfig(**(CPU | {"output_dir": out, "max_steps": 6, "learning_rate": 2e-2})),
            callbacks=[recorder, ema],
        )
        trainer.train()
        expected = tiny_model(family, seed=1).eval()
        expected.load_state_dict(recorder.state)
        ids = torch.tensor([[3, 40, 50, 60, 1, 3]])
        saved = Path(out) / "average"
        ema.model.save_pretrained(saved)
        loaded = AutoModelForCausalLM.from_pretrained(saved).eval()
        raw = trainer.model.eval()
        with torch.no_grad():
            want = expected(ids).logits
            close = [torch.allclose(model(ids).logits, want, atol=1e-4) for model in (ema.model, loaded, raw)]
            options = {"max_new_tokens": 12, "do_sample": False, "eos_token_id": 107, "pad_token_id": 0}
            told = [model.generate(ids, **options).tolist() for model in (ema.model, expected)]
    problems = {
        "forward is not the average's": not close[0],
        "the saved model is not the average": not close[1],
        "trainer.model is not the raw model": close[2],
        "generate is not the average's": told[0] != told[1],
        "not in eval mode": ema.model.training,
    }
    return ", ".join(text for text, bad in problems.items() if bad)


def main() -> int:
    """Exit 0 when the average is right on two families."""
    logging.disable(logging.ERROR)
    spec = importlib.util.spec_from_file_location("ema", Path(sys.argv[1]) / "ema.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found = {family: wrong(module, family) for family in ("qwen3", "llama")}
    print("; ".join(f"{family}: {text or 'right'}" for family, text in found.items()))
    return 1 if any(found.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
