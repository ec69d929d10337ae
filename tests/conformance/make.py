"""Writes spans.json. Offsets come from Python, which counts code points by itself, so that nothing of ours judges itself."""

import hashlib
import json
import pathlib

CASES = []


def case(name, why, text, quotes):
    spans = []
    for quote in quotes:
        quote, nth = quote if isinstance(quote, tuple) else (quote, 1)
        at = -1
        for _ in range(nth):
            at = text.index(quote, at + 1)
        byte = len(text[:at].encode())
        unit = len(text[:at].encode("utf-16-le")) // 2
        spans.append({
            "quote": quote,
            "start": at,
            "end": at + len(quote),
            "bytes": [byte, byte + len(quote.encode())],
            "utf16": [unit, unit + len(quote.encode("utf-16-le")) // 2],
        })
    sha256 = hashlib.sha256(text.encode()).hexdigest()
    CASES.append({"id": name, "why": why, "text": text, "sha256": sha256, "spans": spans})


case("ascii", "nothing special: all three counts agree",
     "65-year-old man with chest pain. BP 128/76.", ["65-year-old", "chest pain", "128/76"])
case("crlf", "line ends of two characters must not become one",
     "CC: cough\r\nHPI:\r\nCough for 3 days,\r\nno fever.\r\n",
     ["cough", "Cough", "no fever", "3 days,\r\nno fever", "\r\n"])
case("mixed-line-ends", "LF, CR and CRLF in one note",
     "A:\rasthma\nB:\r\ngout\n\rC: COPD", ["asthma", "gout", "COPD", "\n\r"])
case("tabs", "columns by tabulator",
     "Na\t138\tmmol/L\nK\t4.1\tmmol/L\n\tCr\t1.2", ["138", "4.1", "\tCr\t", "1.2", ("mmol/L", 2)])
case("nbsp", "no-break, narrow no-break, thin and zero-width spaces",
     "Temp 38.5\u00a0\u00b0C, SpO\u2082\u202f98\u2009%, well\u200bbeing\u00a0good",
     ["38.5\u00a0\u00b0C", "98\u2009%", "well\u200bbeing", "good"])
case("combining", "accents as characters of their own; no normalising to NFC",
     "cafe\u0301 au lait spots; Me\u0301nie\u0300re; na\u00efve and nai\u0308ve",
     ["cafe\u0301", "spots", "Me\u0301nie\u0300re", "na\u00efve", "nai\u0308ve"])
case("decomposed-quote", "composed and decomposed forms of one word stand side by side; their quotes differ",
     "Sj\u00f6gren and Sjo\u0308gren", ["Sj\u00f6gren", "Sjo\u0308gren"])
case("emoji", "emoji of one, two and seven code points",
     "Mood 😀, pain 8/10 😖. Family 👨\u200d👩\u200d👧\u200d👦 supportive 👍🏽. Flag 🇩🇪 end",
     ["😀", "pain 8/10", "👨\u200d👩\u200d👧\u200d👦", "supportive", "👍🏽", "🇩🇪", "end"])
case("astral", "letters beyond the Basic Multilingual Plane take two UTF-16 units",
     "𝐁𝐏 120/80 𝒜 𠮷野 pt, 𝛽-blocker", ["𝐁𝐏", "120/80", "𠮷野", "pt", "𝛽-blocker"])
case("rtl", "right-to-left words with left-to-right figures and marks",
     "Patient: \u202bמטופל\u202c, أحمد, dose 5 mg יומי, allergy: بنسلين.",
     ["מטופל", "أحمد", "5 mg", "יומי", "بنسلين"])
case("cjk", "wide characters without spaces",
     "主诉:胸痛3天。既往史:高血压。BP 150/95", ["胸痛", "3天", "高血压", "150/95"])
case("bom", "a byte order mark in front belongs to the text", "\ufeffDx: gout", ["\ufeff", "gout"])
case("control", "form feed, vertical tab, unit and line separators",
     "Page 1\x0cPage 2\x0bmed\x1flist\u2028next\u2029last\x85end",
     ["Page 2", "med\x1flist", "next", "last", "end"])
case("repeated", "the same words three times: only offsets tell them apart",
     "pain, pain; pain", [("pain", 1), ("pain", 2), ("pain", 3)])
case("edges", "spans at the very start and the very end, and the whole text", "é…😷", ["é", "😷", "é…😷"])
case("one-character", "the shortest possible note", "x", ["x"])
case("long", "beyond every block size that an index may use",
     "😷 word é\r\n" * 700 + "final diagnosis: ICD I10", ["final diagnosis", "I10", ("😷", 700), ("é", 351)])
case("markup", "what a page must never run and a shell never expand",
     "<script>alert(\"x\")</script> & </textarea> ${HOME} `id` %00 \\n '; DROP TABLE notes; --",
     ["<script>", "& </textarea>", "${HOME}", "DROP TABLE", "\\n"])

out = pathlib.Path(__file__).with_name("spans.json")
out.write_text(json.dumps(CASES, ensure_ascii=True, indent=1) + "\n")
