"""How the models that ship were trained. Nothing here is needed to answer a question."""
