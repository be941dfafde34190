"""Rewards, advantages and losses for reinforcement learning of language models, and a thin layer over TRL.

Import the module you need: `airskills.rl.rewards`, `.spec`, `.advantages`, `.losses`, `.fused`, `.callbacks`,
`.presets`, `.trl`. This root imports nothing, so that a reward worker starts without torch.
"""
