"""SFT, then DPO, in one process."""

from datasets import Dataset
from transformers import AutoModelForCausalLM, AutoTokenizer
from trl import DPOConfig, DPOTrainer, SFTConfig, SFTTrainer

COMMON = {
    "max_steps": 12,
    "disable_tqdm": True,
    "logging_steps": 1,
    "report_to": "none",
    "save_strategy": "no",
    "use_cpu": True,
    "bf16": False,
    "activation_checkpointing": False,
}


def run(base_dir, chat_rows, pair_rows, out):
    """Model after both stages, and the log of the second."""
    tokenizer = AutoTokenizer.from_pretrained(base_dir)
    sft = SFTTrainer(
        model=AutoModelForCausalLM.from_pretrained(base_dir, dtype="float32"),
        args=SFTConfig(output_dir=f"{out}/sft", learning_rate=1e-2, **COMMON),
        train_dataset=Dataset.from_list(chat_rows),
        processing_class=tokenizer,
    )
    sft.train()
    dpo = DPOTrainer(
        model=sft.model,
        # Without this the reference is read again from base_dir, the model before SFT.
        args=DPOConfig(
            precompute_ref_log_probs=True, output_dir=f"{out}/dpo", learning_rate=1e-3, beta=0.1, **COMMON
        ),
        train_dataset=Dataset.from_list(pair_rows),
        processing_class=tokenizer,
    )
    dpo.train()
    return dpo.model, dpo.state.log_history
