"""Reads Python packages without importing them: an abstract machine that follows a program to its command line.

It runs the statements that lead to a parser on values that are known from the text (literals, functions, classes,
parsers) and treats every other value as unknown: both branches of an unknown condition run, the body of an unknown loop
runs once. What it cannot know makes a result open, never wrong.
"""
