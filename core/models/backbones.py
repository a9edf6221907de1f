"""Title, note and fingerprint of a backbone that is not loaded.

No torch here, so the window can show them at once. Backbones compute in float32 on every device: a gallery that a GPU
has indexed stays valid where there is only a CPU.
"""

from core.fingerprint import Fingerprint
from core.pretrained.weight_table import MINI

PRECISION = "float32"
ZERO_SHOT = "none"  # in the place of a checkpoint: the backbone as it came

MINI_NOTE = ("A small model that ships with the program so that search works at once. It is not CLIP: it was trained "
             "on 7 000 photographs instead of 400 million, and is less accurate. Choose a larger one in Settings, "
             "Vision model, or run `brewclip weights fetch ViT-L-14/openai`.")


def title(name: str) -> str:
    """Title of a backbone: "CLIP ViT-L-14 (openai)" for the weights name "ViT-L-14/openai"."""
    if name == MINI:
        return "BrewCLIP mini"
    architecture, _, tag = name.partition("/")
    return f"CLIP {architecture} ({tag})" if tag else name


def note(name: str) -> str:
    """Explanation of the backbone in the interface; "" where none is needed."""
    return MINI_NOTE if name == MINI else ""


def fingerprint(name: str, sha256: str, crop: str, checkpoint: str = ZERO_SHOT) -> Fingerprint:
    """The fingerprint of vectors that a backbone makes; `sha256` is that of its file of weights."""
    return Fingerprint.of({"backbone": name, "weights": sha256, "checkpoint": checkpoint, "crop": crop,
                           "precision": PRECISION})
