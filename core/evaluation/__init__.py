"""How well a model finds: ranks, recall, and what stands behind them."""
