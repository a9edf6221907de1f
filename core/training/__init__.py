"""Fine-tuning: the paper's recipe over cached features, as a run that can be stopped and taken up at any moment."""
