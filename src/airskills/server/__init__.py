"""`airskills serve`: the visible skills over the Model Context Protocol, one catalogue behind three faces.

The Skills extension (`extension`), the resources with the older index (`provider`), and tools and prompts for hosts that
know neither (`tools`). `served` says what is served, `live` follows changes on the disk, `app` puts a server together.
"""
