import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState, GradientState, PartialState


def sweep(model, inputs, precisions):
    results = []
    for precision in precisions:
        for state in (AcceleratorState, GradientState, PartialState):
            state._reset_state()  # noqa: SLF001 - a second precision in one process
        accelerator = Accelerator(cpu=True, mixed_precision=precision)
        model.__dict__.pop("_is_accelerate_prepared", None)
        prepared = accelerator.prepare(model)
        with torch.no_grad():
            results.append(prepared(inputs))
        model = accelerator.unwrap_model(prepared, keep_fp32_wrapper=False)
    return results
