"""A module per language of apps and clients: `prepare(folder)` puts together what its rows of `apps.json` need.

It is called once a run, only if one of the language's rows was chosen; `folder` is a copy of `contract/apps`, from which the rows'
commands are run. It returns what it adds to the environment of these apps.
"""
