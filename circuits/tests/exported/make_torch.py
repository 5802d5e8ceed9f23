"""Models as PyTorch's users export them, by both of its exporters, with what ONNX Runtime makes of a thousand random inputs each.

`cargo xtask models` runs this, with the packages that it pins. Arguments: the folder to write.
"""

import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from torch import nn

INPUTS = 1000
CALIBRATION = 200


class Recurrent(nn.Module):
    def __init__(self, layer):
        super().__init__()
        self.layer = layer
        self.head = nn.Linear(layer.hidden_size * (2 if layer.bidirectional else 1), 2)

    def forward(self, x):
        return self.head(self.layer(x)[0][:, -1])


class Attention(nn.Module):
    """Single-head attention with a causal mask, spelled out."""

    def __init__(self, width):
        super().__init__()
        self.q, self.k, self.v = (nn.Linear(width, width) for _ in range(3))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, 3)

    def forward(self, x):
        scores = self.q(x) @ self.k(x).transpose(-1, -2) / x.shape[-1] ** 0.5
        mask = torch.triu(torch.ones(x.shape[1], x.shape[1]), diagonal=1).bool()
        shares = torch.softmax(scores.masked_fill(mask, float("-inf")), dim=-1)
        return self.head(self.norm(x + shares @ self.v(x)).mean(dim=1))


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True, activation="gelu")
        self.head = nn.Linear(16, 3)

    def forward(self, x):
        return torch.softmax(self.head(self.layer(x).mean(dim=1)), dim=-1)


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b, self.act = nn.Linear(8, 8), nn.Linear(8, 8), nn.PReLU(8)

    def forward(self, x):
        return x + self.b(self.act(self.a(x))), torch.sigmoid(x.sum(dim=1))


class Bag(nn.Module):
    def __init__(self):
        super().__init__()
        self.table, self.head = nn.Embedding(50, 8), nn.Linear(8, 2)

    def forward(self, x):
        return self.head(self.table(x).mean(dim=1))


class Compared(nn.Module):
    """What a rule engine would compute: comparisons, clamps, a choice between two."""

    def forward(self, x):
        above = (x[:, :4] > x[:, 4:]).float()
        clamped = torch.clamp(x[:, :4] * 3 - 1, 0, 1)
        return torch.where(above > 0, clamped, -x[:, 4:]), x.abs().amax(dim=1, keepdim=True)


def reals(*shape):
    return lambda random: random.uniform(-1, 1, (1, *shape)).astype(np.float32)


def tokens(*shape):
    return lambda random: random.integers(0, 50, (1, *shape))


def dense(*layers):
    return nn.Sequential(*layers)


MODELS = {
    "mlp": (dense(nn.Linear(8, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(), nn.Linear(16, 4), nn.Softmax(1)), reals(8)),
    "mlp_of_activations": (dense(nn.Linear(8, 8), nn.GELU(), nn.Linear(8, 8), nn.SiLU(), nn.Linear(8, 8), nn.ELU(), nn.Linear(8, 2), nn.Softplus()), reals(8)),
    "cnn": (dense(nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(16, 3)), reals(1, 8, 8)),
    "cnn_of_series": (dense(nn.Conv1d(2, 4, 3, dilation=2), nn.Hardswish(), nn.AvgPool1d(2), nn.Conv1d(4, 4, 3, groups=2), nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(4, 1)), reals(2, 16)),
    "autoencoder": (dense(nn.Conv2d(1, 4, 3, stride=2, padding=1), nn.LeakyReLU(), nn.ConvTranspose2d(4, 1, 2, stride=2), nn.Tanh()), reals(1, 6, 6)),
    "lstm": (Recurrent(nn.LSTM(4, 8, batch_first=True)), reals(6, 4)),
    "gru_both_ways": (Recurrent(nn.GRU(4, 6, batch_first=True, bidirectional=True)), reals(6, 4)),
    "attention": (Attention(8), reals(5, 8)),
    "encoder": (Encoder(), reals(5, 16)),
    "residual": (Residual(), reals(8)),
    "bag": (Bag(), tokens(6)),
    "compared": (Compared(), reals(8)),
    "instance_norm": (dense(nn.InstanceNorm1d(3, affine=True), nn.Flatten(), nn.Linear(24, 2), nn.LogSoftmax(1)), reals(3, 8)),
}


def make(folder, name, model, draw, exporter):
    random = np.random.default_rng(sum(name.encode()))
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "model.onnx"
    example = torch.from_numpy(draw(random))
    torch.onnx.export(model, (example,), file, input_names=["x"], dynamo=exporter == "dynamo", opset_version=18, external_data=False)
    session = onnxruntime.InferenceSession(file.read_bytes(), providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    # All that a token may be and the ends of what a number may be, so that no input is out of range.
    ends = [np.full_like(example.numpy(), end) for end in ([0, 49] if example.dtype == torch.int64 else [-1, 1])]
    calibration = np.stack(ends + [draw(random) for _ in range(CALIBRATION)])
    inputs = np.stack([draw(random) for _ in range(INPUTS)])
    runs = [session.run(names, {"x": x}) for x in inputs]
    np.savez(folder / "calibration.npz", x=calibration)
    np.savez(folder / "inputs.npz", x=inputs)
    np.savez(folder / "outputs.npz", **{output: np.stack([run[at] for run in runs]) for at, output in enumerate(names)})


def main():
    folder = Path(sys.argv[1])
    for name, (model, draw) in MODELS.items():
        for exporter in ["script", "dynamo"]:
            torch.manual_seed(sum(name.encode()))
            # Weights anew for each, so that both exporters get the same.
            for part in model.modules():
                if hasattr(part, "reset_parameters"):
                    part.reset_parameters()
            model.eval()
            make(folder / f"torch_{name}_{exporter}", name, model, draw, exporter)
    packages = [torch, onnx, onnxruntime, np]
    versions = ", ".join(f"{package.__name__} {package.__version__}" for package in packages)
    (folder / "versions_torch").write_text(versions)


if __name__ == "__main__":
    main()
