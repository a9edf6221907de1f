"""Examples of each command, printed at the end of its help. A test parses every line with the real parser."""

from collections.abc import Mapping

EXAMPLES: Mapping[str, tuple[str, ...]] = {
    "search": ("brewclip search a red boat --gallery holidays",
               "brewclip search --speech query.wav --minus-text people --top 5",
               "brewclip search cats --paths -0 | xargs -0 ls -l"),
    "index": ("brewclip index ~/Pictures --gallery holidays --exclude @eaDir --exclude '*_small.jpg'",
              "brewclip index s3://bucket/photos --gallery s3://bucket/photos.lance"),
    "transcribe": ("brewclip transcribe query.wav",
                   "brewclip transcribe interviews --format srt --out subtitles",
                   "cat query.flac | brewclip transcribe -"),
    "weights list": ("brewclip weights list --json",),
    "weights fetch": ("brewclip weights fetch whisper-base ViT-L-14/openai",),
    "weights path": ("brewclip weights path whisper-base",),
    "weights verify": ("brewclip weights verify whisper-base",),
    "gallery list": ("brewclip gallery list",),
    "gallery rename": ("brewclip gallery rename holidays 'Holidays 2026'",),
    "gallery delete": ("brewclip gallery delete holidays --yes",),
    "gallery copy": ("brewclip gallery copy holidays s3://bucket/holidays.lance",),
    "gallery rate": ("brewclip gallery rate holidays 5 sunset.jpg",
                     "brewclip search sunset --gallery holidays -0 | xargs -0 brewclip gallery rate holidays 5"),
    "gallery remove": ("brewclip gallery remove holidays blurred.jpg",),
    "gallery restore": ("brewclip gallery restore holidays --all",),
    "gallery optimize": ("brewclip gallery optimize s3://bucket/holidays.lance",),
    "duplicates": ("brewclip duplicates holidays --near", "brewclip duplicates --csv > duplicates.csv"),
    "history list": ("brewclip history list --json",),
    "history clear": ("brewclip history clear --older 30 --yes",),
    "caches list": ("brewclip caches list",),
    "caches clear": ("brewclip caches clear --yes",),
    "check": ("brewclip check", "brewclip check --repair"),
    "backup": ("brewclip backup brewclip.tar", "brewclip backup with-runs.tar --runs"),
    "restore": ("brewclip restore brewclip.tar", "BREWCLIP_HOME=/tmp/copy brewclip restore brewclip.tar"),
    "doctor": ("brewclip doctor",),
    "dataset": ("brewclip dataset flickr8k", "brewclip dataset recordings --kind folder --json"),
    "import": ("brewclip import flickr8k --gallery captions",),
    "export": ("brewclip export captions spoken --layout spokencoco --reviewed",),
    "prepare": ("brewclip prepare flickr8k --split train",),
    "train": ("brewclip train flickr8k --out runs/first --variant prompted",
              "brewclip train --resume --out runs/first"),
    "evaluate": ("brewclip evaluate flickr8k --split test --table 1 --format markdown",
                 "brewclip evaluate flickr8k --checkpoint runs/first/best",
                 "brewclip evaluate --evaluation 3 --export csv --out queries"),
    "diagnose": ("brewclip diagnose flickr8k --split test --out misses",),
    "explain": ("brewclip explain --speech query.wav --image boat.jpg --figure why.png",),
    "figure": ("brewclip figure 4 --evaluation 3 --out figure4.pdf",),
    "emotion": ("brewclip emotion ravdess --protocol speakers",),
    "tone build": ("brewclip tone build tone --ravdess ravdess",),
    "tone evaluate": ("brewclip tone evaluate tone --checkpoint runs/tone",),
    "reproduce": ("brewclip reproduce table1 --flickr8k flickr8k --out table1 --dry-run",),
    "demo": ("brewclip demo",),
    "settings list": ("brewclip settings list",),
    "settings set": ("brewclip settings set search.top 40",),
    "completion": ("brewclip completion bash > ~/.local/share/bash-completion/completions/brewclip",
                   "brewclip completion zsh > ~/.zfunc/_brewclip",
                   "brewclip completion fish > ~/.config/fish/completions/brewclip.fish"),
}


def examples_text(program: str) -> str:
    """The examples of "brewclip NAME [NAME]" as a section of its help; "" without any."""
    lines = EXAMPLES.get(program.partition(" ")[2], ())
    return "".join(["\nexamples:\n", *(f"  {line}\n" for line in lines)]) if lines else ""
