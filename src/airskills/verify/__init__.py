"""`airskills verify`: every use of a library in a skill against the pinned package, unpacked and never imported."""
