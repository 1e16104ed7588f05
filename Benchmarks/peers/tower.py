"""CLIP's ViT-B/32 image tower with random weights: as an ONNX graph, and as a PyTorch module of the same shapes."""
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

WIDTH, LAYERS, HEADS, PATCH, SIDE, EMBEDDING = 768, 12, 12, 32, 224, 512
GRID = SIDE // PATCH
TOKENS = GRID * GRID + 1


def onnx_tower(batch, seed=7):
    """The graph that exporters make of it: opset 17, float32, fixed batch; [batch, 3, 224, 224] to [batch, 512]."""
    rng = np.random.default_rng(seed)
    nodes, weights = [], []

    def weight(*shape, scale=0.03, mean=0.0):
        name = f"w{len(weights)}"
        values = (rng.standard_normal(shape, dtype=np.float32) * scale + mean).astype(np.float32)
        weights.append(numpy_helper.from_array(values, name))
        return name

    def constant(values):
        name = f"w{len(weights)}"
        weights.append(numpy_helper.from_array(np.asarray(values), name))
        return name

    def node(op, *inputs, outputs=1, **attributes):
        names = [f"v{len(nodes)}_{i}" for i in range(outputs)]
        nodes.append(helper.make_node(op, list(inputs), names, **attributes))
        return names[0] if outputs == 1 else names

    def norm(x):
        return node("LayerNormalization", x, weight(WIDTH, mean=1), weight(WIDTH), axis=-1, epsilon=1e-5)

    def linear(x, inputs, outputs):
        return node("Add", node("MatMul", x, weight(inputs, outputs)), weight(outputs))

    x = node("Conv", "pixels", weight(WIDTH, 3, PATCH, PATCH), kernel_shape=[PATCH] * 2, strides=[PATCH] * 2)
    x = node("Transpose", node("Reshape", x, constant(np.int64([batch, WIDTH, GRID * GRID]))), perm=[0, 2, 1])
    x = node("Concat", weight(batch, 1, WIDTH), x, axis=1)
    x = norm(node("Add", x, weight(1, TOKENS, WIDTH)))
    split_shape = constant(np.int64([batch, TOKENS, HEADS, WIDTH // HEADS]))
    joined_shape = constant(np.int64([batch, TOKENS, WIDTH]))
    scale, curve = constant(np.float32((WIDTH // HEADS) ** -0.5)), constant(np.float32(1.702))
    thirds = constant(np.int64([WIDTH] * 3))
    for _ in range(LAYERS):
        q, k, v = node("Split", linear(norm(x), WIDTH, 3 * WIDTH), thirds, outputs=3, axis=2)
        q = node("Transpose", node("Reshape", node("Mul", q, scale), split_shape), perm=[0, 2, 1, 3])
        k = node("Transpose", node("Reshape", k, split_shape), perm=[0, 2, 3, 1])
        v = node("Transpose", node("Reshape", v, split_shape), perm=[0, 2, 1, 3])
        y = node("MatMul", node("Softmax", node("MatMul", q, k), axis=-1), v)
        y = node("Reshape", node("Transpose", y, perm=[0, 2, 1, 3]), joined_shape)
        x = node("Add", x, linear(y, WIDTH, WIDTH))
        y = linear(norm(x), WIDTH, 4 * WIDTH)
        y = node("Mul", y, node("Sigmoid", node("Mul", y, curve)))
        x = node("Add", x, linear(y, 4 * WIDTH, WIDTH))
    x = norm(node("Gather", x, constant(np.int64(0)), axis=1))
    x = node("MatMul", x, weight(WIDTH, EMBEDDING))
    nodes[-1].output[0] = "embedding"
    graph = helper.make_graph(
        nodes, "tower",
        [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, [batch, 3, SIDE, SIDE])],
        [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, [batch, EMBEDDING])], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    onnx.checker.check_model(model)
    return model


def torch_tower():
    """The module, in evaluation mode; attention by PyTorch's own fused kernel."""
    import torch
    from torch import nn

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm1, self.norm2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
            self.qkv, self.out = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
            self.expand, self.contract = nn.Linear(WIDTH, 4 * WIDTH), nn.Linear(4 * WIDTH, WIDTH)

        def forward(self, x):
            b, t, w = x.shape
            q, k, v = self.qkv(self.norm1(x)).view(b, t, 3, HEADS, w // HEADS).permute(2, 0, 3, 1, 4)
            y = nn.functional.scaled_dot_product_attention(q, k, v)
            x = x + self.out(y.transpose(1, 2).reshape(b, t, w))
            y = self.expand(self.norm2(x))
            return x + self.contract(y * torch.sigmoid(1.702 * y))

    class Tower(nn.Module):
        def __init__(self):
            super().__init__()
            self.patches = nn.Conv2d(3, WIDTH, PATCH, PATCH, bias=False)
            self.first = nn.Parameter(torch.randn(WIDTH) * 0.03)
            self.places = nn.Parameter(torch.randn(TOKENS, WIDTH) * 0.03)
            self.before, self.after = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
            self.blocks = nn.Sequential(*[Block() for _ in range(LAYERS)])
            self.projection = nn.Linear(WIDTH, EMBEDDING, bias=False)

        def forward(self, pixels):
            x = self.patches(pixels).flatten(2).transpose(1, 2)
            x = torch.cat([self.first.expand(x.shape[0], 1, -1), x], 1) + self.places
            return self.projection(self.after(self.blocks(self.before(x))[:, 0]))

    torch.manual_seed(7)
    return Tower().eval()
