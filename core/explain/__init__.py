"""Why a picture was found: what each branch adds, where the model looked, and how far such maps can be trusted."""
