#!/usr/bin/env python3
"""Compares the families' full-size B/16 with a float64 reference on weights made by one procedure.

    Benchmarks/families.py [--families siglip pe-core mobileclip] [--watchword .build/release/watchword] [--keep DIR]

For each family a model directory is written as it is distributed: SigLIP 2 at 256 px, PE-Core and MobileCLIP2-B at 224 px. Its numbers
are SplitMix64 words of the tensors' names, so that every run has the same. `watchword embed` embeds pictures and texts in float32; this
program does so in float64 with numpy alone, by the papers' mathematics. It prints the smallest cosines, and fails below 0.99999.
Takes about three minutes, and 2 GB of disk for a while; --keep leaves the models in a directory, for `watchword bench encoder --model`.
"""

import argparse
import json
import math
import shutil
import struct
import subprocess
import sys
import tempfile
import zlib
from pathlib import Path

import numpy as np

REPOSITORY = Path(__file__).resolve().parents[1]
TOKENIZER = REPOSITORY / "Tests/Fixtures/families/siglip2_hf/model"
TEXTS = ["a red van stops at the gate", "two dogs run across a snowy field"]
BOUND = 0.99999


# ------------------------------------------------------------------------------------------------ numbers
def words(name, count, seed=7):
    """The first words of a name's stream (SplitMix64, keyed by FNV-1a)."""
    step = 0x9E3779B97F4A7C15

    def mix(z):
        z = ((z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9))
        z = ((z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB))
        return z ^ (z >> np.uint64(31))

    key = 0xCBF29CE484222325
    for byte in name.encode():
        key = (key ^ byte) * 0x100000001B3 % (1 << 64)
    key ^= int(mix(np.array([(seed + step) % (1 << 64)], np.uint64))[0])
    return mix(np.arange(1, count + 1, dtype=np.uint64) * np.uint64(step) + np.uint64(key))


def rule(name, shape):
    """Deviation and mean of a tensor's numbers."""
    leaf = name.rsplit(".", 1)[-1]
    if name.endswith("bias") or leaf == "running_mean":
        return 0.05, 0
    if len(shape) == 1:  # norms
        return 0.1, 1
    if "token_embedding" in name:
        return 0.02, 0
    if "position" in name or leaf == "pos_embed":
        return 0.05, 0
    if leaf in ("probe", "latent", "cls_token"):
        return 1 / math.sqrt(shape[-1]), 0
    gain = 1.5 if any(part in name for part in ("qkv", "in_proj", "q_proj", "k_proj", "v_proj")) else 1
    gain = 0.5 if any(part in name for part in ("out_proj", "attn.proj")) else gain
    return gain / math.sqrt(np.prod(shape[1:])), 0


def tensor(name, shape):
    count = int(np.prod(shape))
    if not shape:
        return np.float32(-8 if name.endswith("bias") else math.log(100))
    out = np.empty(count, np.float32)
    deviation, mean = rule(name, shape)
    # Sums of four numbers of 16 bits are roughly normal; their variance is (2^32 - 1) / 3.
    scale = deviation * math.sqrt(3 / 4294967295)
    found = words(name, count)
    sums = sum(((found >> np.uint64(16 * i)) & np.uint64(0xFFFF)).astype(np.int64) for i in range(4)) - 131070
    out[:] = sums * scale + mean
    return out.reshape(shape)


class Weights:
    """Tensors by name: made once, float64 when they are used."""

    def __init__(self, shapes):
        self.values = {name: tensor(name, shape) for name, shape in shapes.items()}

    def __getitem__(self, name):
        return self.values[name].astype(np.float64)

    def __contains__(self, name):
        return name in self.values

    def write(self, path):
        header, at = {}, 0
        for name, values in self.values.items():
            header[name] = {"dtype": "F32", "shape": list(values.shape), "data_offsets": [at, at + values.nbytes]}
            at += values.nbytes
        text = json.dumps(header).encode()
        text += b" " * (-len(text) % 8)
        with open(path, "wb") as file:
            file.write(struct.pack("<Q", len(text)) + text)
            for values in self.values.values():
                file.write(values.tobytes())


# ------------------------------------------------------------------------------------------------ mathematics
ERF = np.frompyfunc(math.erf, 1, 1)


def gelu(x):
    return 0.5 * x * (1 + ERF(x / math.sqrt(2)).astype(np.float64))


def tanh_gelu(x):
    return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def turned(x, angle):
    """Pairs (2i, 2i + 1) of each head turned by angle[token, i]."""
    out = np.empty_like(x)
    a, b = x[..., 0::2], x[..., 1::2]
    out[..., 0::2] = a * np.cos(angle) - b * np.sin(angle)
    out[..., 1::2] = b * np.cos(angle) + a * np.sin(angle)
    return out


def attend(q, k, v, heads, mask=0.0, angle=None):
    d = q.shape[-1] // heads
    q, k, v = (x.reshape(len(x), heads, d).transpose(1, 0, 2) for x in (q, k, v))
    if angle is not None:
        q, k = turned(q, angle), turned(k, angle)
    return (softmax(q @ k.transpose(0, 2, 1) / math.sqrt(d) + mask) @ v).transpose(1, 0, 2).reshape(-1, heads * d)


class Tower:
    """A layout's names, and the steps that all families share."""

    def __init__(self, weights, eps, act, names):
        self.w, self.eps, self.act, self.names = weights, eps, act, names

    def norm(self, x, name):
        centred = x - x.mean(-1, keepdims=True)
        unit = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + self.eps)
        return unit * self.w[name + ".weight"] + self.w[name + ".bias"]

    def linear(self, x, name):
        return x @ self.w[name + ".weight"].T + self.w[name + ".bias"]

    def qkv(self, x, block):
        name = f"{block}.{self.names['qkv']}"
        if name + "_weight" in self.w:
            return np.split(x @ self.w[name + "_weight"].T + self.w[name + "_bias"], 3, -1)
        if name + ".weight" in self.w:
            return np.split(self.linear(x, name), 3, -1)
        return [self.linear(x, f"{block}.self_attn.{part}_proj") for part in "qkv"]

    def blocks(self, x, prefix, count, heads, mask=0.0, angle=None):
        for block in (f"{prefix}.{layer}" for layer in range(count)):
            q, k, v = self.qkv(self.norm(x, f"{block}.{self.names['norm1']}"), block)
            x = x + self.linear(attend(q, k, v, heads, mask, angle), f"{block}.{self.names['out']}")
            x = x + self.mlp(self.norm(x, f"{block}.{self.names['norm2']}"), block)
        return x

    def mlp(self, x, block):
        return self.linear(self.act(self.linear(x, f"{block}.{self.names['fc1']}")), f"{block}.{self.names['fc2']}")


HUGGING_FACE = dict(
    qkv="qkv", norm1="layer_norm1", norm2="layer_norm2", out="self_attn.out_proj", fc1="mlp.fc1", fc2="mlp.fc2")
TIMM = dict(qkv="attn.qkv", norm1="norm1", norm2="norm2", out="attn.proj", fc1="mlp.fc1", fc2="mlp.fc2")
OPENAI = dict(qkv="attn.in_proj", norm1="ln_1", norm2="ln_2", out="attn.out_proj", fc1="mlp.c_fc", fc2="mlp.c_proj")


def convolution(pixels, kernel):
    """Without overlap: [C, H, W] with [O, C, P, P] to [O, H/P, W/P]."""
    o, c, p, _ = kernel.shape
    g = pixels.shape[1] // p
    cut = pixels.reshape(c, g, p, g, p).transpose(1, 3, 0, 2, 4).reshape(g * g, -1)
    return (cut @ kernel.reshape(o, -1).T).T.reshape(o, g, g)


def rows(planes):
    return planes.reshape(len(planes), -1).T


# ------------------------------------------------------------------------------------------------ shapes
def affine(name, *shape):
    """Weight and bias of a layer, or of a norm."""
    return {f"{name}.weight": shape, f"{name}.bias": shape[:1]}


def block(prefix, width, names, joined="{}.weight {}.bias"):
    shapes = {}
    for part in (names["norm1"], names["norm2"]):
        shapes |= affine(f"{prefix}.{part}", width)
    if names is HUGGING_FACE:
        for part in "qkv":
            shapes |= affine(f"{prefix}.self_attn.{part}_proj", width, width)
    else:
        weight, bias = (form.format(f"{prefix}.{names['qkv']}") for form in joined.split())
        shapes |= {weight: (3 * width, width), bias: (3 * width,)}
    shapes |= affine(f"{prefix}.{names['out']}", width, width)
    return shapes | affine(f"{prefix}.{names['fc1']}", 4 * width, width) | affine(f"{prefix}.{names['fc2']}", width, 4 * width)


def openai_text(width, layers, context, embedding):
    shapes = {
        "logit_scale": (), "text.positional_embedding": (context, width),
        "text.token_embedding.weight": (49408, width), "text.text_projection": (width, embedding),
    } | affine("text.ln_final", width)
    for layer in range(layers):
        shapes |= block(f"text.transformer.resblocks.{layer}", width, OPENAI, "{}_weight {}_bias")
    return shapes


class Family:
    """A family's files and its two towers."""

    side, patch, width, layers, heads = 224, 16, 768, 12, 12
    mean = deviation = 0.5

    def planes(self, picture):
        return (picture.astype(np.float64).transpose(2, 0, 1) / 255 - self.mean) / self.deviation

    def openai_embed(self, ids, context, layers, heads):
        """OpenCLIP's text tower: causal, pooled at the largest id."""
        t, ids = Tower(self.w, 1e-5, gelu, OPENAI), np.array(ids)
        x = self.w["text.token_embedding.weight"][ids] + self.w["text.positional_embedding"][: len(ids)]
        mask = np.triu(np.full((len(ids), len(ids)), -np.inf), 1)
        x = t.norm(t.blocks(x, "text.transformer.resblocks", layers, heads, mask), "text.ln_final")
        return x[int(np.argmax(ids))] @ self.w["text.text_projection"]


class SigLIP(Family):
    name, side = "siglip", 256
    grid = 16

    def __init__(self):
        head, d = "vision_model.head", self.width
        shapes = {"logit_scale": (), "logit_bias": (), f"{head}.probe": (1, 1, d)}
        shapes |= affine("vision_model.embeddings.patch_embedding", d, 3, 16, 16)
        shapes |= {"vision_model.embeddings.position_embedding.weight": (self.grid**2, d)}
        shapes |= {"text_model.embeddings.token_embedding.weight": (1596, d)}
        shapes |= {"text_model.embeddings.position_embedding.weight": (64, d)}
        for tower in ("vision_model", "text_model"):
            for layer in range(self.layers):
                shapes |= block(f"{tower}.encoder.layers.{layer}", d, HUGGING_FACE)
        shapes |= affine("vision_model.post_layernorm", d) | affine("text_model.final_layer_norm", d)
        shapes |= {f"{head}.attention.in_proj_weight": (3 * d, d), f"{head}.attention.in_proj_bias": (3 * d,)}
        shapes |= affine(f"{head}.attention.out_proj", d, d) | affine(f"{head}.layernorm", d)
        shapes |= affine(f"{head}.mlp.fc1", 4 * d, d) | affine(f"{head}.mlp.fc2", d, 4 * d)
        self.w = Weights(shapes | affine("text_model.head", d, d))

    def write(self, folder):
        self.w.write(folder / "model.safetensors")
        config = {"model_type": "siglip", "vision_config": {"image_size": 256}, "text_config": {"vocab_size": 1596}}
        (folder / "config.json").write_text(json.dumps(config))
        for name in ("tokenizer.json", "tokenizer_config.json"):
            shutil.copy(TOKENIZER / name, folder / name)

    def image(self, planes):
        v, head = Tower(self.w, 1e-6, tanh_gelu, HUGGING_FACE), "vision_model.head"
        x = rows(convolution(planes, self.w["vision_model.embeddings.patch_embedding.weight"]))
        x = x + self.w["vision_model.embeddings.patch_embedding.bias"]
        x = x + self.w["vision_model.embeddings.position_embedding.weight"]
        x = v.norm(v.blocks(x, "vision_model.encoder.layers", self.layers, self.heads), "vision_model.post_layernorm")
        q, k, value = np.split(self.w[f"{head}.attention.in_proj_weight"], 3)
        a, b, c = np.split(self.w[f"{head}.attention.in_proj_bias"], 3)
        h = attend(self.w[f"{head}.probe"][0] @ q.T + a, x @ k.T + b, x @ value.T + c, self.heads)
        h = v.linear(h, f"{head}.attention.out_proj")
        return (h + v.mlp(v.norm(h, f"{head}.layernorm"), head))[0]

    def text(self, ids):
        t = Tower(self.w, 1e-6, tanh_gelu, HUGGING_FACE)
        x = self.w["text_model.embeddings.token_embedding.weight"][np.array(ids)]
        x = x + self.w["text_model.embeddings.position_embedding.weight"]
        x = t.norm(t.blocks(x, "text_model.encoder.layers", self.layers, self.heads), "text_model.final_layer_norm")
        return t.linear(x[-1], "text_model.head")


class OpenCLIPFamily(Family):
    """A tower of timm beside OpenCLIP's text tower."""

    trunk = "visual.trunk"

    def config(self, timm, pooling, embedding, text, preprocessing):
        vision = {"timm_model_name": timm, "timm_pool": pooling, "timm_proj": None, "image_size": self.side}
        return {
            "model_cfg": {"embed_dim": embedding, "custom_text": True, "vision_cfg": vision, "text_cfg": text},
            "preprocess_cfg": {"interpolation": "bilinear"} | preprocessing,
        }

    def shared(self, places):
        d, trunk = self.width, self.trunk
        shapes = {f"{trunk}.cls_token": (1, 1, d), f"{trunk}.pos_embed": (1, places, d)}
        for layer in range(self.layers):
            shapes |= block(f"{trunk}.blocks.{layer}", d, TIMM)
        return shapes | affine(f"{trunk}.norm", d)

    def write(self, folder):
        self.w.write(folder / "open_clip_model.safetensors")
        (folder / "open_clip_config.json").write_text(json.dumps(self.settings))


class PerceptionEncoder(OpenCLIPFamily):
    name, grid = "pe-core", 14

    def __init__(self):
        d, pool, e = self.width, f"{self.trunk}.attn_pool", 1024
        shapes = self.shared(self.grid**2 + 1) | {f"{self.trunk}.patch_embed.proj.weight": (d, 3, 16, 16)}
        shapes |= affine(f"{self.trunk}.norm_pre", d) | {f"{pool}.latent": (1, 1, d)}
        shapes |= affine(f"{pool}.q", d, d) | affine(f"{pool}.kv", 2 * d, d) | affine(f"{pool}.proj", d, d)
        shapes |= affine(f"{pool}.norm", d) | affine(f"{pool}.mlp.fc1", 4 * d, d) | affine(f"{pool}.mlp.fc2", d, 4 * d)
        self.w = Weights(shapes | affine(f"{self.trunk}.head", e, d) | openai_text(1024, 24, 32, e))
        self.settings = self.config(
            "vit_pe_core_base_patch16_224", "map", e, {"context_length": 32, "width": 1024, "heads": 16, "layers": 24},
            {"mean": [0.5] * 3, "std": [0.5] * 3, "resize_mode": "squash"})

    def image(self, planes):
        v, trunk, pool = Tower(self.w, 1e-5, gelu, TIMM), self.trunk, f"{self.trunk}.attn_pool"
        x = np.concatenate([self.w[f"{trunk}.cls_token"][0], rows(convolution(planes, self.w[f"{trunk}.patch_embed.proj.weight"]))])
        x = v.norm(x + self.w[f"{trunk}.pos_embed"][0], f"{trunk}.norm_pre")
        n = self.width // self.heads // 4
        turns = np.arange(1, self.grid + 1)[:, None] * 10000.0 ** (-np.arange(n) / n)
        across = np.broadcast_to(turns[None], (self.grid, self.grid, n))
        down = np.broadcast_to(turns[:, None], (self.grid, self.grid, n))
        angle = np.concatenate([across, down], -1).reshape(-1, 2 * n)
        angle = np.concatenate([np.zeros((1, 2 * n)), angle])
        x = v.norm(v.blocks(x, f"{trunk}.blocks", self.layers, self.heads, angle=angle), f"{trunk}.norm")
        k, value = np.split(v.linear(x, f"{pool}.kv"), 2, -1)
        h = v.linear(attend(v.linear(self.w[f"{pool}.latent"][0], f"{pool}.q"), k, value, 8), f"{pool}.proj")
        return v.linear((h + v.mlp(v.norm(h, f"{pool}.norm"), pool))[0], f"{trunk}.head")

    def text(self, ids):
        return self.openai_embed(ids, 32, 24, 16)


class MobileCLIP(OpenCLIPFamily):
    name, grid, mean, deviation = "mobileclip", 14, 0, 1

    def __init__(self):
        d, stem = self.width, f"{self.trunk}.patch_embed.backbone"
        shapes = self.shared(self.grid**2)
        for stage, (inputs, outputs, side) in enumerate([(3, d // 4, 4), (d // 4, d // 4, 2), (d // 4, d, 2)]):
            shapes[f"{stem}.{stage}.conv.weight"] = (outputs, inputs, side, side)
            if stage < 2:
                for part in ("weight", "bias", "running_mean", "running_var"):
                    shapes[f"{stem}.{stage}.bn.{part}"] = (outputs,)
        shapes[f"{stem}.2.conv.bias"] = (d,)
        self.w = Weights(shapes | affine(f"{self.trunk}.head", 512, d) | openai_text(512, 12, 77, 512))
        self.settings = self.config(
            "vit_base_mci_224", "token", 512, {"width": 512, "heads": 8, "layers": 12},
            {"mean": [0] * 3, "std": [1] * 3, "resize_mode": "shortest"})

    def image(self, planes):
        v, trunk, x = Tower(self.w, 1e-6, gelu, TIMM), self.trunk, planes
        for stage in range(3):
            name = f"{trunk}.patch_embed.backbone.{stage}"
            x = convolution(x, self.w[f"{name}.conv.weight"])
            if stage < 2:
                part = lambda leaf: self.w[f"{name}.bn.{leaf}"][:, None, None]
                unit = (x - part("running_mean")) / np.sqrt(part("running_var") + 1e-5)
                x = gelu(unit * part("weight") + part("bias"))
        x = rows(x) + self.w[f"{trunk}.patch_embed.backbone.2.conv.bias"] + self.w[f"{trunk}.pos_embed"][0]
        x = np.concatenate([self.w[f"{trunk}.cls_token"][0], x])
        x = v.norm(v.blocks(x, f"{trunk}.blocks", self.layers, self.heads), f"{trunk}.norm")
        return v.linear(x[0], f"{trunk}.head")

    def text(self, ids):
        return self.openai_embed(ids, 77, 12, 8)


# ------------------------------------------------------------------------------------------------ comparison
def pictures(side):
    """A gradient, and squares of random colours."""
    y, x = np.mgrid[0:side, 0:side]
    gradient = np.stack([x * 255 // (side - 1), y * 255 // (side - 1), (x + y) * 255 // (2 * side - 2)], -1)
    colours = words("squares", (side // 8) ** 2)[(y // 8) * (side // 8) + x // 8]
    squares = np.stack([(colours >> np.uint64(8 * i)) & np.uint64(255) for i in range(3)], -1)
    return [gradient.astype(np.uint8), squares.astype(np.uint8)]


def write_png(path, picture):
    side = len(picture)

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    lines = b"".join(b"\0" + row.tobytes() for row in picture)
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b""))


def cosine(a, b):
    return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


def compare(family, watchword, folder):
    """Smallest cosines of pictures and of texts."""
    model = folder / family.name
    model.mkdir()
    family.write(model)
    shown = pictures(family.side)
    arguments = ["embed", "--raw", "--precision", "f32", "--model", str(model)]
    for index, picture in enumerate(shown):
        write_png(folder / f"{index}.png", picture)
        arguments += ["--image", str(folder / f"{index}.png")]
    for text in TEXTS:
        arguments += ["--text", text]

    def run(*words, **more):
        return subprocess.run([watchword, *words], check=True, stdout=subprocess.PIPE, text=True, **more).stdout

    lines = [json.loads(line) for line in run(*arguments).splitlines()]
    found = {kind: [np.array(line["embedding"]) for line in lines if line["kind"] == kind] for kind in ("image", "text")}
    ids = [json.loads(line) for line in run("tokenize", "--model", str(model), input="\n".join(TEXTS)).splitlines()]
    images = [cosine(a, family.image(family.planes(b))) for a, b in zip(found["image"], shown, strict=True)]
    return min(images), min(cosine(a, family.text(b)) for a, b in zip(found["text"], ids, strict=True))


def main():
    families = {family.name: family for family in (SigLIP, PerceptionEncoder, MobileCLIP)}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--families", nargs="+", default=list(families), choices=list(families))
    parser.add_argument("--watchword", default=str(REPOSITORY / ".build/release/watchword"))
    parser.add_argument("--keep", type=Path)
    options = parser.parse_args()
    if options.keep:
        options.keep.mkdir(parents=True, exist_ok=True)
    worst = 1.0
    print("| family | smallest cosine of pictures | of texts |\n|---|---|---|")
    for name in options.families:
        with tempfile.TemporaryDirectory(dir=options.keep) as folder:
            images, texts = compare(families[name](), options.watchword, Path(folder))
            if options.keep:
                shutil.rmtree(options.keep / name, ignore_errors=True)
                shutil.move(Path(folder) / name, options.keep / name)
        print(f"| {name} | {images:.9f} | {texts:.9f} |", flush=True)
        worst = min(worst, images, texts)
    if worst < BOUND:
        sys.exit(f"families: expected cosines of at least {BOUND}, found {worst}")


if __name__ == "__main__":
    main()
