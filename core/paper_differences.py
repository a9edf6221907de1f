"""Where the paper, the authors' code and this program differ: the table of docs/paper.md."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Difference:
    """One point: what each of the three has, and how to get the others' here ("": it cannot be had yet)."""

    point: str
    paper: str
    authors: str
    ours: str
    option: str = ""


DIFFERENCES: tuple[Difference, ...] = (
    Difference("Inner loss", "alpha 0.1, equation 2", "switched off; when on, 0.75 outer + 0.25 inner, each term "
               "twice, on vectors that are not normalised", "alpha 0.1, normalised vectors",
               "`--inner-weight 0`; `--loss authors --inner-weight 0.25`"),
    Difference("Outer loss", "sum of both directions",
               "mean of both directions, 1e-6 added to each sum of exponentials",
               "sum, twice the authors': their clipping at 2 is ours at 4", "`--loss authors`"),
    Difference("Pairs of the same picture", "negatives (equation 1)", "masked", "masked", "`--same-image-negatives`"),
    Difference("Negatives of a step", "batch of 32", "three replicas with 11, 11 and 10 pairs",
               "all 32, over all processes", "`--replicas 3`"),
    Difference("Prompted on captions (Table 2)", "captions are fed to the trained model", "trained on captions",
               "as in the paper: `evaluate --captions`", "`train --captions`"),
    Difference("End to end on SpokenCOCO", "100 000 steps", "up to 1 000 000 steps", "100 000 steps", "`--steps`"),
    Difference("Recogniser", "Whisper base", "base.en through CTranslate2, voice activity detection, beam search",
               "multilingual base, greedy; int8 decoder on a CPU; no detector",
               "`--recogniser whisper-base.en --beam 5`"),
    Difference("Encoder states", "the encoder's output",
               "all 1500 frames of a 30 s window, without a mask; cut at 30 s",
               "the frames of the recording, all windows of a long one",
               "`--padding window`; `full` encodes 30 s, of which the recording's frames are used"),
    Difference("Model selection", "not said", "on the test split, by the mean R@1", "on the dev split, mean of six "
               "recalls", "`--select r1`; the test split is never used"),
    Difference("Temperature", "learned", "fixed at 0.07", "learned, from 0.07", "`--no-learn-temperature`"),
    Difference("Heads 8, feed-forward 4096, dropout 0.1, initialisation of prompts and CLS, clipping at 4, float16",
               "not said", "in the configurations", "the authors'", "the options of these names"),
    Difference("Validation", "not said", "once an epoch (937 steps of Flickr8k)", "every 500 steps",
               "`--evaluate-every 937`"),
    Difference("Recordings without words", "21 dropped", "dropped in training and test",
               "train the acoustic branch; misses in evaluation", "`--drop-unheard`; `evaluate --drop-unreadable`"),
    Difference("Word error rate", "not said",
               "lower case alone; utterances above 1 removed; logistic fit with L2 (C 1)",
               "Whisper's normaliser; maximum likelihood; `evaluate` prints both rates", "`evaluate --wer authors`"),
    Difference("Words of RAVDESS", "same textual content", "the statement replaces the transcript",
               "what Whisper recognised, or the statement as a feature of its own", "`emotion --as authors`"),
    Difference("Probe on RAVDESS", "not said", "Adam 1e-4 with warm-up, up to 100 000 steps, augmentation, test actors "
               "as validation", "logistic regression; strength chosen among the training speakers",
               "`emotion --as authors`; without dropout in the frozen branch, three draws of noise a recording"),
    Difference("Four emotions, calm counted as neutral", "not said", "yes", "yes, the authors'"),
    Difference("SpeechCLIP-P on LN-COCO", "implemented", "HuBERT large, 50 000 steps, batch 32",
               "not included: its vectors are imported", "`evaluate --embeddings`; recipe in reproduce.md"),
    Difference("Attention map", "gradient-updating direction of the penultimate layer", "hooks without a formula",
               "positive part of gradient times attention: our reading"),
)


def table() -> str:
    """The differences as a Markdown table."""
    rows = [("", "paper", "authors' code", "here", "option"), ("---",) * 5,
            *((each.point, each.paper, each.authors, each.ours, each.option or "–") for each in DIFFERENCES)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
