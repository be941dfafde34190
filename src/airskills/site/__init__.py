"""`airskills site`: every page of the documentation as a plain Markdown file, so that any builder can take the tree.

`evidence` says what is proven of a skill, `dialect` turns a skill's Markdown into the builder's, the modules named after
a part of the site write its pages, `tree` puts them together and onto the disk. A page is text by path; nothing here prints.
"""
