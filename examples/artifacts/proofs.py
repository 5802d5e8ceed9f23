"""Reads what `apodict` printed, compares it with float32, and makes proofs that must be refused. Plain Python only.

python3 -m artifacts.proofs tamper byte|output PROOF.json FORGED.json
python3 -m artifacts.proofs report STORY WORK
"""

import importlib
import json
import sys
from pathlib import Path
from typing import Any

Json = Any


def forge(proof: dict[str, Json], what: str) -> dict[str, Json]:
    """Change one byte of the proof, or add one to the last output."""
    forged = dict(proof)
    match what:
        case "byte":
            data = bytearray.fromhex(proof["proof"].removeprefix("0x"))
            data[len(data) // 2] ^= 1
            forged["proof"] = "0x" + data.hex()
        case "output":
            *others, last = proof["instances"]
            forged["instances"] = [*others, f"0x{int(last, 16) + 1:064x}"]
        case _:
            raise ValueError(f"expected byte or output, got {what}")
    return forged


def largest_gap(a: Json, b: Json) -> float:
    """Give the largest difference of two nested arrays of one shape; infinite if the shapes differ."""
    if isinstance(a, list) and isinstance(b, list):
        if len(a) != len(b):
            return float("inf")
        return max((largest_gap(x, y) for x, y in zip(a, b, strict=True)), default=0.0)
    if a is None or isinstance(a, list) or isinstance(b, list):
        return float("inf")
    return abs(float(a) - float(b))


def report(story: str, work: Path) -> int:
    """Print one row per proved input; 1 if a proved output or decision is not what float32 says."""
    decision = importlib.import_module(f"{story}.decision")
    expected = json.loads((Path(__file__).parents[1] / story / "expected.json").read_text(encoding="utf-8"))
    rows = [["input", "decision", "proved outputs", "float32 gap of tolerance", "prove", "verify", "proof", "gas"]]
    faults = []
    for name, wanted in expected["named"].items():
        proved = json.loads((work / f"{name}.proved.json").read_text(encoding="utf-8"))
        verified = json.loads((work / f"{name}.verified.json").read_text(encoding="utf-8"))
        # What counts is what was verified, not what the prover said beside it.
        outputs = verified["outputs"]
        gaps = {output: largest_gap(outputs.get(output), value) for output, value in wanted.items()}
        for output, gap in gaps.items():
            allowed = decision.TOLERANCE[output]
            if gap > allowed:
                faults.append(f"{name}: {output} lies {gap:.6f} from float32's {wanted[output]}, allowed {allowed}")
        if decision.decide(outputs) != decision.decide(wanted):
            faults.append(f"{name}: decided {decision.decide(outputs)}, float32 says {decision.decide(wanted)}")
        shown = " ".join(f"{value:.6g}" for output in wanted for value in outputs[output][0])
        used = max(gap / decision.TOLERANCE[output] for output, gap in gaps.items())
        times = f"{proved['prove_ms']:.0f} ms", f"{verified['verify_ms']:.1f} ms"
        cost = f"{proved['proof_bytes']} B", f"{verified['evm']['gas']:,}"
        rows.append([name, decision.decide(outputs), shown, f"{used:.0%}", *times, *cost])
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    for fault in faults:
        print(f"FAIL {fault}", file=sys.stderr)
    return 1 if faults else 0


def main(arguments: list[str]) -> int:
    """Run one of the two verbs."""
    match arguments:
        case ["tamper", what, source, target]:
            forged = forge(json.loads(Path(source).read_text(encoding="utf-8")), what)
            Path(target).write_text(json.dumps(forged), encoding="utf-8")
            return 0
        case ["report", story, work]:
            return report(story, Path(work))
        case _:
            print(__doc__, file=sys.stderr)
            return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
