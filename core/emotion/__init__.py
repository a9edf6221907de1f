"""The probe of the voice: what RAVDESS' acted emotions show of the features behind a spoken query (Table 3)."""
