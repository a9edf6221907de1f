"""`make bench`: every benchmark, one table after the other. Each can be run by itself with more options."""

import subprocess
import sys

from tests.benchmarks.common import DATA

ALWAYS = ("start", "inference", "spoken_query", "indexing", "exact_search", "paper_steps")
WITH_DATA = (("hearing", "--limit", "80"), ("retrieval", "--data", str(DATA / "flickr8k"), "--plain"),
             ("training_steps", "--rounds", "3"),
             ("evaluation_passes", "--utterances", "20", "--rounds", "2"))


def main() -> None:
    runs = [(name,) for name in ALWAYS] + (list(WITH_DATA) if (DATA / "flickr8k").is_dir() else [])
    for name, *options in runs:
        print(f"\n== {name} {' '.join(options)}".rstrip(), flush=True)
        subprocess.run([sys.executable, "-m", f"tests.benchmarks.{name}", *options], check=True)


if __name__ == "__main__":
    main()
