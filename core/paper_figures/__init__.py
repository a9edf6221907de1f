"""The paper's figures 3 to 9 and the curve of recall over word error rate, drawn from stored evaluations."""
