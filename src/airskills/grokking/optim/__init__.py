"""Optimizers with hyperparameters per run, on flat buffers [runs, numbers]."""
