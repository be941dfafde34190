import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState


def sweep(model, inputs, precisions):
    results = []
    for precision in precisions:
        AcceleratorState._reset_state(reset_partial_state=True)
        accelerator = Accelerator(cpu=True, mixed_precision=precision)
        prepared = accelerator.prepare(model)
        with torch.no_grad():
            results.append(prepared(inputs))
        model = accelerator.unwrap_model(prepared, keep_fp32_wrapper=False)
    return results
