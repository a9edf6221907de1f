"""Where the sound of a recording ends, followed block by block.

The place depends on the samples alone, never on when they came: silence after it changes nothing.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

KEPT_S = 0.15  # seconds of silence that end a sound, and stay with it
FRAME_S = 0.02
SILENT = 0.03  # of the loudest level, below which a frame is silence: -30 dB, less than a last word that trails off
STEADY = 5  # frames whose mean power is a level: a click of the key is shorter


class SoundEnd:
    """Follows one recording of `rate` samples a second."""

    def __init__(self, rate: int) -> None:
        self._frame, self._kept = round(FRAME_S * rate), round(KEPT_S * rate)
        self._rest: np.ndarray | None = None  # samples of a frame that is not complete
        self._recent: list[float] = []  # power of the last `STEADY` frames
        self._frames, self._last_loud, self._loudest = 0, 0, 0.0

    @property
    def sample(self) -> int | None:
        """Number of samples up to the end of the sound and `KEPT_S` more; None while the sound goes on."""
        end = self._last_loud * self._frame + self._kept
        return end if self._last_loud and self._frames * self._frame >= end else None

    @property
    def is_close(self) -> bool:
        """Whether the last frame is silence: `sample` is known soon unless the sound goes on."""
        return 0 < self._last_loud < self._frames

    def add(self, block: "np.ndarray") -> None:
        """Take the next (n,) samples."""
        import numpy as np

        samples = block if self._rest is None else np.concatenate([self._rest, block])
        count = len(samples) // self._frame
        frames = samples[:count * self._frame].reshape(count, self._frame)
        self._rest = samples[count * self._frame:]
        for power in np.mean(np.square(frames, dtype=np.float64), axis=1).tolist():
            self._recent = [*self._recent, power][-STEADY:]
            self._loudest = max(self._loudest, sum(self._recent) / STEADY)
            self._frames += 1
            if power > SILENT**2 * self._loudest:
                self._last_loud = self._frames
