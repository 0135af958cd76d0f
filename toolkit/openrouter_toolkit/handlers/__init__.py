"""The actions' handlers: one function an action, with what is special about its endpoint and nothing else."""
