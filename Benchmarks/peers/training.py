"""Times training steps of a CLIP4Clip head in PyTorch and in Watchword, in turns, and prints the ratio.

Both take forward pass, symmetric cross entropy, backward pass, clipping and BertAdam's update of the same sizes, in
float32, with the same number of threads. A round times each once, in a process of its own.

  python training.py [--rounds 5] [--threads 2] [--head transformer] [--width 512] [--frames 12] [--batch 128]
"""
import argparse
import json
import statistics
import subprocess
import sys
import time


def peer(a):
    import torch
    from torch import nn
    import torch.nn.functional as F

    torch.set_num_threads(a.threads)
    torch.manual_seed(1)
    w, heads = a.width, max(1, a.width // 64)

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.attn, self.ln_1, self.ln_2 = nn.MultiheadAttention(w, heads, batch_first=True), nn.LayerNorm(w), nn.LayerNorm(w)
            self.fc, self.proj = nn.Linear(w, 4 * w), nn.Linear(4 * w, w)

        def forward(self, x):
            y = self.ln_1(x)
            x = x + self.attn(y, y, y, need_weights=False)[0]
            y = self.fc(self.ln_2(x))
            return x + self.proj(y * torch.sigmoid(1.702 * y))

    scale = nn.Parameter(torch.tensor(2.66))
    if a.head == "lstm":
        body = nn.LSTM(w, w, batch_first=True)
        run = lambda x: body(x)[0] + x
        parameters = list(body.parameters())
    else:
        body, positions = nn.Sequential(*[Block() for _ in range(a.layers)]), nn.Parameter(torch.randn(a.frames, w) * 0.02)
        run = lambda x: body(x + positions) + x
        parameters = list(body.parameters()) + [positions]
    parameters.append(scale)
    texts, frames = torch.rand(a.batch, w) * 2 - 1, torch.rand(a.batch, a.frames, w) * 2 - 1
    m, v = [torch.zeros_like(p) for p in parameters], [torch.zeros_like(p) for p in parameters]
    target = torch.arange(a.batch)

    def step():
        y = F.normalize(F.normalize(run(frames), dim=-1).mean(1), dim=-1)
        s = scale.exp() * F.normalize(texts, dim=-1) @ y.T
        loss = (F.cross_entropy(s, target) + F.cross_entropy(s.T, target)) / 2
        for p in parameters:
            p.grad = None
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        with torch.no_grad():
            for p, a_, b_ in zip(parameters, m, v):
                nn.utils.clip_grad_norm_([p], 1.0)
                a_.mul_(0.9).add_(p.grad, alpha=0.1)
                b_.mul_(0.98).addcmul_(p.grad, p.grad, value=0.02)
                p.sub_(1e-5 * (a_ / (b_.sqrt() + 1e-6) + 0.2 * p))

    step()
    times = []
    for _ in range(a.steps):
        t = time.perf_counter()
        step()
        times.append((time.perf_counter() - t) * 1000)
    print(json.dumps({"ms_per_step": statistics.median(times)}))


def main():
    ap = argparse.ArgumentParser(description=__doc__)
    for name, value in [("rounds", 5), ("threads", 2), ("width", 512), ("frames", 12), ("batch", 128), ("layers", 4), ("steps", 5)]:
        ap.add_argument(f"--{name}", type=int, default=value)
    ap.add_argument("--head", choices=["lstm", "transformer"], default="transformer")
    ap.add_argument("--watchword", default=".build/release/watchword")
    ap.add_argument("--peer", action="store_true", help=argparse.SUPPRESS)
    a = ap.parse_args()
    if a.peer:
        return peer(a)
    sizes = [f"--{n}={getattr(a, n)}" for n in ("head", "width", "frames", "batch", "layers", "steps", "threads")]
    times = {"PyTorch": [], "Watchword": []}
    for _ in range(a.rounds):
        for name, command in (("PyTorch", [sys.executable, __file__, "--peer"]), ("Watchword", [a.watchword, "bench", "training", "--json"])):
            out = subprocess.run(command + sizes, check=True, capture_output=True, text=True).stdout
            times[name].append(json.loads(out)["ms_per_step"])
    for name, t in times.items():
        print(f"{name}: {statistics.median(t):.0f} ms a step ({min(t):.0f} to {max(t):.0f})")
    print(f"ratio {statistics.median(times['Watchword']) / statistics.median(times['PyTorch']):.2f}, bound 1.3")


if __name__ == "__main__":
    main()
