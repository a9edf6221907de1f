"""Languages that Whisper recognises, as data that needs no import of the whisper package."""

# (code, English name) of openai-whisper's `LANGUAGES`: the languages most often spoken to this program first, then by
# name. Cantonese is known to large-v3 and turbo alone.
LANGUAGES: tuple[tuple[str, str], ...] = (
    ("en", "English"), ("de", "German"), ("fr", "French"), ("es", "Spanish"), ("it", "Italian"), ("pt", "Portuguese"),
    ("nl", "Dutch"), ("pl", "Polish"), ("ru", "Russian"), ("tr", "Turkish"), ("ar", "Arabic"), ("hi", "Hindi"),
    ("ja", "Japanese"), ("ko", "Korean"), ("zh", "Chinese"), ("af", "Afrikaans"), ("sq", "Albanian"),
    ("am", "Amharic"), ("hy", "Armenian"), ("as", "Assamese"), ("az", "Azerbaijani"), ("ba", "Bashkir"),
    ("eu", "Basque"), ("be", "Belarusian"), ("bn", "Bengali"), ("bs", "Bosnian"), ("br", "Breton"),
    ("bg", "Bulgarian"), ("yue", "Cantonese"), ("ca", "Catalan"), ("hr", "Croatian"), ("cs", "Czech"),
    ("da", "Danish"), ("et", "Estonian"), ("fo", "Faroese"), ("fi", "Finnish"), ("gl", "Galician"),
    ("ka", "Georgian"), ("el", "Greek"), ("gu", "Gujarati"), ("ht", "Haitian Creole"), ("ha", "Hausa"),
    ("haw", "Hawaiian"), ("he", "Hebrew"), ("hu", "Hungarian"), ("is", "Icelandic"), ("id", "Indonesian"),
    ("jw", "Javanese"), ("kn", "Kannada"), ("kk", "Kazakh"), ("km", "Khmer"), ("lo", "Lao"), ("la", "Latin"),
    ("lv", "Latvian"), ("ln", "Lingala"), ("lt", "Lithuanian"), ("lb", "Luxembourgish"), ("mk", "Macedonian"),
    ("mg", "Malagasy"), ("ms", "Malay"), ("ml", "Malayalam"), ("mt", "Maltese"), ("mi", "Maori"), ("mr", "Marathi"),
    ("mn", "Mongolian"), ("my", "Myanmar"), ("ne", "Nepali"), ("no", "Norwegian"), ("nn", "Nynorsk"),
    ("oc", "Occitan"), ("ps", "Pashto"), ("fa", "Persian"), ("pa", "Punjabi"), ("ro", "Romanian"), ("sa", "Sanskrit"),
    ("sr", "Serbian"), ("sn", "Shona"), ("sd", "Sindhi"), ("si", "Sinhala"), ("sk", "Slovak"), ("sl", "Slovenian"),
    ("so", "Somali"), ("su", "Sundanese"), ("sw", "Swahili"), ("sv", "Swedish"), ("tl", "Tagalog"), ("tg", "Tajik"),
    ("ta", "Tamil"), ("tt", "Tatar"), ("te", "Telugu"), ("th", "Thai"), ("bo", "Tibetan"), ("tk", "Turkmen"),
    ("uk", "Ukrainian"), ("ur", "Urdu"), ("uz", "Uzbek"), ("vi", "Vietnamese"), ("cy", "Welsh"), ("yi", "Yiddish"),
    ("yo", "Yoruba"))
AUTO = "auto"  # detect the language

_NAMES = dict(LANGUAGES)
_CODES = {name.casefold(): code for code, name in LANGUAGES}


def name_of(code: str) -> str:
    """English name of a language code: "German" for "de"; another code with a capital letter."""
    return _NAMES.get(code, code.capitalize())


def code_of(text: str) -> str:
    """Code of a language given by its code or its English name, in any case, or "auto". ValueError: there is none."""
    folded = text.strip().casefold()
    code = folded if folded in (AUTO, *_NAMES) else _CODES.get(folded)
    if code is None:
        raise ValueError(f"There is no language {text!r}. Give a code such as de, a name such as German, or auto.")
    return code
