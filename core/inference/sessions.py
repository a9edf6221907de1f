"""Sessions of ONNX Runtime on the CPU."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray


def thread_count() -> int:
    """Threads of one operator: OMP_NUM_THREADS as in PyTorch, else the processors that this process may use."""
    chosen = os.environ.get("OMP_NUM_THREADS", "")
    if chosen.isdecimal() and int(chosen) > 0:
        return int(chosen)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Session:
    """A graph, ready to run. Any thread may call any method, and several at once.

    `threads` of one operator; 0 is `thread_count()`. `spin`: its threads wait actively for the next operator, which is
    faster where nothing else computes meanwhile. `quick` to open: less is optimised. OSError or RuntimeError when ONNX
    Runtime cannot load the file.
    """

    def __init__(self, path: Path, threads: int = 0, spin: bool = True, quick: bool = False) -> None:
        import onnxruntime

        onnxruntime.set_default_logger_severity(3)  # errors alone
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads or thread_count()
        options.inter_op_num_threads = 1
        if quick:
            options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
        options.add_session_config_entry("session.intra_op.allow_spinning", "1" if spin else "0")
        self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def __call__(self, **inputs: NDArray[Any]) -> tuple[NDArray[Any], ...]:
        """The outputs, in the order of the graph."""
        return tuple(self._session.run(None, inputs))

    @property
    def inputs(self) -> Mapping[str, str]:
        """Names and element types of the inputs, such as "tensor(float)"."""
        return {each.name: each.type for each in self._session.get_inputs()}
