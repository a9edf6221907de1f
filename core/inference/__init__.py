"""Inference without PyTorch: models exported to ONNX, kept in a cache, and run on the CPU by ONNX Runtime."""
