"""The grokking lab: does a method make generalization come sooner, and is that real?

Importing this package imports nothing heavy. Read `tasks`, `models`, `optim`, `train`, `outcome` and `stats` in
that order; `benchmark`, `search`, `stopping` and `dashboard` are built on them.
"""
