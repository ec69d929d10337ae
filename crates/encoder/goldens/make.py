"""Makes goldens.json: reference vectors of models/overread-minilm by PyTorch and transformers' BertModel.

    pip install torch transformers safetensors numpy
    python crates/encoder/goldens/make.py models/overread-minilm crates/encoder/goldens/goldens.json

The weights are those of the repository: rounded to float16, widened to float32 again. Texts longer than 256 word
pieces are cut there, as sentence-transformers does for this model. For each text: the full ids (special tokens
included), the full sentence vector for the first four texts, else its first 16 values, and some token states.
"""

import json
import sys
from pathlib import Path

import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer
from transformers import BertConfig, BertModel

LIMIT = 256
LONG = (
    "The harbour master wrote the day's entries by lamplight: wind from the north-west at 18 knots, two "
    "trawlers in by 04:30, one delayed by ice. She noted the price of cod (3.45 a kilo), the names of the "
    "crews, and that the café's clock was, once again, eleven minutes slow. "
)
TEXTS = [
    "hello world",
    "The quick brown fox jumps over the lazy dog.",
    "No chest pain, shortness of breath or palpitations.",
    "type 2 diabetes mellitus without complications",
    "",
    "a",
    "MIXED Case, punctuation!? and (brackets) [SQUARE] {curly}",
    "Crème brûlée à la façade; naïve coöperation",
    "line one\r\nline two\r\n\r\n\ttabbed line three",
    "Temp 98.6 F, BP 120/80, HR 72, 0.5 mg q.d. x 10",
    "emoji \U0001f600 and \U0001f468\u200d\U0001f469\u200d\U0001f467 astral \U00010348, CJK 漢字, Thai สวัสดี",
    "antidisestablishmentarianism pseudopseudohypoparathyroidism electroencephalographically",
    LONG * 12,
]


def main(folder: Path, out: Path) -> None:
    torch.set_num_threads(1)
    config = BertConfig.from_json_file(folder / "config.json")
    config._attn_implementation = "eager"
    model = BertModel(config, add_pooling_layer=False)
    weights = {k: v.to(torch.float32) for k, v in load_file(folder / "model.safetensors").items()}
    missing, unexpected = model.load_state_dict(weights, strict=False)
    assert not unexpected and set(missing) <= {"embeddings.position_ids"}, (missing, unexpected)
    model.eval()
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(LIMIT)

    goldens = []
    for index, text in enumerate(TEXTS):
        encoding = tokenizer.encode(text)
        ids = torch.tensor([encoding.ids])
        with torch.no_grad():
            states = model(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state[0]
        vector = torch.nn.functional.normalize(states.mean(0), dim=0)
        kept = vector if index < 4 else vector[:16]
        rows = sorted({0, len(encoding.ids) // 2, len(encoding.ids) - 1})
        goldens.append(
            {
                "text": text,
                "ids": encoding.ids,
                "embedding": [round(v, 7) for v in kept.tolist()],
                "mean_norm": round(states.mean(0).norm().item(), 6),
                "states": [
                    {"row": r, "norm": round(states[r].norm().item(), 6), "head": [round(v, 6) for v in states[r][:16].tolist()]}
                    for r in rows
                ],
            }
        )
    document = {
        "made_with": f"torch {torch.__version__.split('+')[0]}, transformers BertModel, float32 on CPU",
        "goldens": goldens,
    }
    out.write_text(json.dumps(document, ensure_ascii=True, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
