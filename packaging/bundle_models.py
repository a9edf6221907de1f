"""Add Whisper base and its export to a bundle: `python packaging/bundle_models.py BUNDLE`."""

import json
import shutil
import sys
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory

from core import weights
from core.asr.recogniser import RECOGNISERS
from core.home import Home, find_home
from core.inference.exports import CACHE, DESCRIPTION
from core.models.registry import ModelRegistry
from core.pretrained import weight_files
from core.settings import Settings


def main() -> int:
    """Export the recogniser on this computer and copy it into the bundle; exit code."""
    inside, name = Path(sys.argv[1]) / "_internal", RECOGNISERS[0].weights
    source = weights.find(name, find_home())
    if source is None:
        print(f"{name} is not on this computer: `brewclip weights fetch {name}`, then try again.", file=sys.stderr)
        return 1
    with TemporaryDirectory() as folder:
        home = Home(Path(folder))
        settings = Settings().with_value("device", "cpu").with_value("weights.folder", str(source.parent))
        ModelRegistry(home).prepare(name, settings)
        export, = (home.caches / CACHE).glob(f"*/{DESCRIPTION}")
        target = inside / "resources" / "models" / name
        shutil.copytree(export.parent, target, dirs_exist_ok=True)
    target.chmod(0o755)  # caches are their owner's alone
    for path in target.iterdir():
        path.chmod(0o644)
    (inside / "weights").mkdir(exist_ok=True)
    copy = Path(shutil.copy2(source, inside / "weights"))
    facts = weight_files.examine(copy, name, tensors=True)
    copy.with_name(f"{copy.name}.json").write_text(json.dumps(asdict(facts)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
