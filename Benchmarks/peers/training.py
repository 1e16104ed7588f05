"""Times training steps of CLIP4Clip in PyTorch and in Watchword, in turns, and prints the ratio.

Both take forward pass, symmetric cross entropy, backward pass, clipping and BertAdam's update of the same sizes, in
float32, with the same number of threads. A round times each once, in a process of its own. A head is trained on
embeddings; with --towers, both towers of the bundled model's sizes are trained from pictures and tokens (mean head).

  python training.py [--rounds 5] [--threads 2] [--head transformer] [--width 512] [--frames 12] [--batch 128]
  python training.py --towers [--frames 8] [--batch 16]
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
    w = 128 if a.towers else a.width

    class Block(nn.Module):
        def __init__(self, causal=None):
            super().__init__()
            self.causal, heads = causal, max(1, w // 64)
            self.attn, self.ln_1, self.ln_2 = nn.MultiheadAttention(w, heads, batch_first=True), nn.LayerNorm(w), nn.LayerNorm(w)
            self.fc, self.proj = nn.Linear(w, 4 * w), nn.Linear(4 * w, w)

        def forward(self, x):
            y = self.ln_1(x)
            x = x + self.attn(y, y, y, need_weights=False, attn_mask=self.causal)[0]
            y = self.fc(self.ln_2(x))
            return x + self.proj(y * torch.sigmoid(1.702 * y))

    scale = nn.Parameter(torch.tensor(2.66))
    tokens, length = torch.randint(0, 2512, (a.batch, 12)), 12
    if a.towers:
        class Towers(nn.Module):
            def __init__(self):
                super().__init__()
                self.patches = nn.Conv2d(3, w, 8, 8, bias=False)
                self.first, self.places = nn.Parameter(torch.randn(w) * 0.02), nn.Parameter(torch.randn(65, w) * 0.02)
                self.pre, self.post, self.final = nn.LayerNorm(w), nn.LayerNorm(w), nn.LayerNorm(w)
                self.vision = nn.Sequential(*[Block() for _ in range(4)])
                self.words, self.order = nn.Embedding(2514, w), nn.Parameter(torch.randn(32, w) * 0.02)
                mask = torch.full((length, length), float("-inf")).triu(1)
                self.text = nn.Sequential(*[Block(mask) for _ in range(3)])
                self.proj, self.text_proj = nn.Parameter(torch.randn(w, w) * 0.09), nn.Parameter(torch.randn(w, w) * 0.09)

            def images(self, x):
                y = self.patches(x).flatten(2).transpose(1, 2)
                y = torch.cat([self.first.expand(len(y), 1, w), y], 1) + self.places
                return self.post(self.vision(self.pre(y))[:, 0]) @ self.proj

            def texts(self, ids):
                y = self.text(self.words(ids) + self.order[:length])
                return self.final(y[:, -1]) @ self.text_proj

        body = Towers()
        parameters = list(body.parameters())
    elif a.head == "lstm":
        body = nn.LSTM(w, w, batch_first=True)
        run = lambda x: body(x)[0] + x
        parameters = list(body.parameters())
    else:
        body, positions = nn.Sequential(*[Block() for _ in range(a.layers)]), nn.Parameter(torch.randn(a.frames, w) * 0.02)
        run = lambda x: body(x + positions) + x
        parameters = list(body.parameters()) + [positions]
    parameters.append(scale)
    texts, frames = torch.rand(a.batch, w) * 2 - 1, torch.rand(a.batch, a.frames, w) * 2 - 1
    pictures = torch.rand(a.batch * a.frames, 3, 64, 64) * 2 - 1
    embed = lambda: (texts, run(frames))
    if a.towers:
        embed = lambda: (body.texts(tokens), body.images(pictures).view(a.batch, a.frames, w))
    m, v = [torch.zeros_like(p) for p in parameters], [torch.zeros_like(p) for p in parameters]
    target = torch.arange(a.batch)

    def step():
        said, shown = embed()
        y = F.normalize(F.normalize(shown, dim=-1).mean(1), dim=-1)
        s = scale.exp() * F.normalize(said, dim=-1) @ y.T
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
    for name, value in [("rounds", 5), ("threads", 2), ("width", 512), ("frames", None), ("batch", None), ("layers", 4), ("steps", 5)]:
        ap.add_argument(f"--{name}", type=int, default=value)
    ap.add_argument("--head", choices=["lstm", "transformer"], default="transformer")
    ap.add_argument("--towers", action="store_true")
    ap.add_argument("--watchword", default=".build/release/watchword")
    ap.add_argument("--peer", action="store_true", help=argparse.SUPPRESS)
    a = ap.parse_args()
    a.frames, a.batch = a.frames or (8 if a.towers else 12), a.batch or (16 if a.towers else 128)
    if a.peer:
        return peer(a)
    sizes = [f"--{n}={getattr(a, n)}" for n in ("head", "width", "frames", "batch", "layers", "steps", "threads")]
    sizes += ["--towers"] * a.towers
    times = {"PyTorch": [], "Watchword": []}
    for _ in range(a.rounds):
        for name, command in (("PyTorch", [sys.executable, __file__, "--peer"]), ("Watchword", [a.watchword, "bench", "training", "--json"])):
            out = subprocess.run(command + sizes, check=True, capture_output=True, text=True).stdout
            times[name].append(json.loads(out)["ms_per_step"])
    for name, t in times.items():
        print(f"{name}: {statistics.median(t):.0f} ms a step ({min(t):.0f} to {max(t):.0f})")
    ratios = [w / p for w, p in zip(times["Watchword"], times["PyTorch"])]
    bound = 1.5 if a.towers else 1.3
    print(f"ratio {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}), bound {bound}")


if __name__ == "__main__":
    main()
