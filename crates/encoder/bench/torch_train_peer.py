"""Training speed of PyTorch float32 on the same weights and shapes, beside `--example train_throughput`.

    pip install torch transformers safetensors
    python crates/encoder/bench/torch_train_peer.py models/overread-minilm [16x128,8x256] [all,nowords,last2] [float32,bfloat16]

Forward, backward, clipping and AdamW (fused where this PyTorch can), as `torch.optim` does it; bfloat16 means
autocast. One case a process gives each its own peak of memory. The Rust example runs this by `--peer`.
"""

import os
import resource
import sys
import time
from pathlib import Path

import torch
from safetensors.torch import load_file
from transformers import BertConfig, BertModel

WARM, STEPS = 2, 9


def case(folder: Path, shape: str, trained: str, precision: str) -> None:
    batch, length = (int(n) for n in shape.split("x"))
    config = BertConfig.from_json_file(folder / "config.json")
    config._attn_implementation = "sdpa"
    config.hidden_dropout_prob = config.attention_probs_dropout_prob = 0.0
    model = BertModel(config, add_pooling_layer=False)
    weights = {k: v.to(torch.float32) for k, v in load_file(folder / "model.safetensors").items()}
    model.load_state_dict(weights, strict=False)
    model.train()
    last = tuple(f"encoder.layer.{config.num_hidden_layers - i}." for i in (1, 2))
    for name, parameter in model.named_parameters():
        if trained == "nowords":
            parameter.requires_grad = "word_embeddings" not in name
        elif trained == "last2":
            parameter.requires_grad = name.startswith(last)
    parameters = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=1e-5, weight_decay=0.01, fused=True)
    ids = (torch.arange(batch)[:, None] * 7919 + torch.arange(length)[None, :] * 104729) % config.vocab_size
    seconds, cpu = [], 0.0
    for step in range(WARM + STEPS):
        if step == WARM:
            cpu = time.process_time()
        start = time.perf_counter()
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
            loss = model(input_ids=ids).last_hidden_state.float().square().mean()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        seconds.append(time.perf_counter() - start)
    cpu = (time.process_time() - cpu) / STEPS
    median = sorted(seconds[WARM:])[STEPS // 2]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{shape:<8} {trained:<8} torch {precision:<8} {batch * length / median:>7.0f} tokens/s "
        f"{batch / median:>7.2f} examples/s, {batch * length / cpu:>7.0f} tokens per CPU second "
        f"(step {median * 1e3:.0f} ms), peak {peak:.0f} MB",
        flush=True,
    )


def main() -> None:
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    option = dict(enumerate(sys.argv))
    for shape in option.get(2, "16x128,8x256").split(","):
        for trained in option.get(3, "all,nowords,last2").split(","):
            for precision in option.get(4, "float32").split(","):
                case(Path(sys.argv[1]), shape, trained, precision)


if __name__ == "__main__":
    main()
