"""Fine-tuning: the paper's recipe over cached features, as a run that can be paused and resumed at any step."""
