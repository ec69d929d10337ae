"""Tokens per second of ONNX Runtime and PyTorch on the same weights, beside `--example throughput`.

    pip install torch transformers onnx onnxruntime safetensors
    python crates/encoder/bench/onnx_peer.py models/overread-minilm [threads [32x256,32x128]]

Exports transformers' BertModel to ONNX, quantises it dynamically (int8 weights and activations, as
`onnxruntime.quantization.quantize_dynamic` does), and times both, float32 PyTorch too. Run it and the Rust
example one after the other on a quiet machine.
"""

import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import onnxruntime as ort
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from safetensors.torch import load_file
from transformers import BertConfig, BertModel


def load(folder: Path) -> BertModel:
    config = BertConfig.from_json_file(folder / "config.json")
    config._attn_implementation = "eager"
    model = BertModel(config, add_pooling_layer=False)
    weights = {k: v.to(torch.float32) for k, v in load_file(folder / "model.safetensors").items()}
    model.load_state_dict(weights, strict=False)
    return model.eval()


class Plain(torch.nn.Module):
    """ids, mask -> last hidden states, over transformers' own tensors. Written out because tracing the library's
    model freezes sizes of the example; the mask is kept because a batch of notes needs one in ONNX."""

    def __init__(self, model: BertModel):
        super().__init__()
        self.model = model

    def forward(self, ids, mask):
        f = torch.nn.functional
        config, e = self.model.config, self.model.embeddings
        heads, size = config.num_attention_heads, config.hidden_size // config.num_attention_heads
        bias = (1.0 - mask[:, None, None, :].float()) * torch.finfo(torch.float32).min
        places = e.position_embeddings.weight[: ids.shape[1]]
        x = e.LayerNorm(e.word_embeddings(ids) + places + e.token_type_embeddings.weight[0])
        for layer in self.model.encoder.layer:
            a = layer.attention

            def split(linear):
                return linear(x).reshape(x.shape[0], x.shape[1], heads, size).transpose(1, 2)

            q, k, v = split(a.self.query), split(a.self.key), split(a.self.value)
            weights = (q @ k.transpose(-1, -2) / size**0.5 + bias).softmax(-1)
            context = (weights @ v).transpose(1, 2).reshape(x.shape)
            y = a.output.LayerNorm(a.output.dense(context) + x)
            x = layer.output.LayerNorm(layer.output.dense(f.gelu(layer.intermediate.dense(y))) + y)
        return x


def median(run, times=7):
    run()
    seconds = []
    cpu = time.process_time()
    for _ in range(times):
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
    return sorted(seconds)[times // 2], (time.process_time() - cpu) / times


def main() -> None:
    folder = Path(sys.argv[1])
    threads = int(sys.argv[2]) if len(sys.argv) > 2 else len(os.sched_getaffinity(0))
    shapes = sys.argv[3] if len(sys.argv) > 3 else "32x256,32x128,8x512,4x256,1x256,1x16"
    shapes = [tuple(int(n) for n in shape.split("x")) for shape in shapes.split(",")]
    torch.set_num_threads(threads)
    model = load(folder)
    with tempfile.TemporaryDirectory() as scratch:
        full, small = Path(scratch, "f32.onnx"), Path(scratch, "int8.onnx")
        ids = torch.ones(2, 8, dtype=torch.long)
        torch.onnx.export(
            Plain(model).eval(),  # the export puts the mode that it finds back, dropout and all
            (ids, torch.ones_like(ids)),
            str(full),
            input_names=["ids", "mask"],
            output_names=["states"],
            dynamic_axes={"ids": {0: "b", 1: "s"}, "mask": {0: "b", 1: "s"}, "states": {0: "b", 1: "s"}},
            opset_version=17,
            dynamo=False,
        )
        quantize_dynamic(str(full), str(small), weight_type=QuantType.QInt8)
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
        sessions = {
            "onnx f32": ort.InferenceSession(str(full), options, providers=["CPUExecutionProvider"]),
            "onnx int8": ort.InferenceSession(str(small), options, providers=["CPUExecutionProvider"]),
        }
        print(f"onnxruntime {ort.__version__}, torch {torch.__version__}, {threads} threads")
        vocab = model.config.vocab_size
        for batch, length in shapes:
            ids = np.random.default_rng(1).integers(0, vocab, (batch, length))
            feed = {"ids": ids, "mask": np.ones_like(ids)}
            tensor = torch.from_numpy(ids)
            with torch.no_grad():
                expected = model(input_ids=tensor).last_hidden_state.numpy()
            for name, session in sessions.items():
                seconds, cpu = median(lambda: session.run(None, feed))
                off = np.abs(session.run(None, feed)[0] - expected).max()
                print(f"{batch:>3} x {length:<4} {name:<10} {batch * length / seconds:>8.0f} tokens/s  {seconds * 1e3:8.2f} ms, {batch * length / cpu:>6.0f} per CPU second (largest difference {off:.1e})")
            with torch.no_grad():
                seconds, cpu = median(lambda: model(input_ids=tensor))
            print(f"{batch:>3} x {length:<4} {'torch f32':<10} {batch * length / seconds:>8.0f} tokens/s  {seconds * 1e3:8.2f} ms, {batch * length / cpu:>6.0f} per CPU second")


if __name__ == "__main__":
    main()
