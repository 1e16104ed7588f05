"""Records scenes of the Python world: how they look, what is true of their windows, and how that is said.

  python make.py DIRECTORY_OF_WORLD_PY        (needs opencv-python-headless, numpy, safetensors)
"""
import json, os, random, sys
import numpy as np
from safetensors.numpy import save_file

sys.path.insert(0, sys.argv[1])
import world as W

here = os.path.dirname(os.path.abspath(__file__))
rng = random.Random(20)


def background(b):
    grid = np.random.RandomState(b.seed).rand(6, 8).astype(np.float32) if b.kind == 3 else None
    return {"kind": b.kind, "first": b.c0, "second": b.c1, "seed": b.seed, "angle": b.angle, "amplitude": b.amp,
            "clouds": None if grid is None else [float(v) for v in grid.ravel()]}


def thing(o):
    return {"shape": o.shape, "colour": o.colour, "rgb": o.rgb, "radius": o.r0, "place": [o.x0, o.y0], "turn": o.rot0,
            "visible": [o.va, o.vb], "move": o.move, "growth": o.grow, "spin": o.spin, "blink": o.blink,
            "change": None if o.change is None else {"time": o.change[0], "colour": o.change[1], "rgb": o.change[2]}}


def facts(f):
    return {k: np.asarray(getattr(f, k)).tolist() for k in W.FIELDS}


scenes, pictures, kinds, acts = [], {}, set(), set()
while len(scenes) < 40:
    s = W.sample_scene(rng)
    new = s.bg.kind not in kinds or any((o.shape) not in acts for o in s.objs)
    if not new and len(scenes) < 14 and rng.random() < 0.8:
        continue
    kinds.add(s.bg.kind)
    acts.update(o.shape for o in s.objs)
    name = f"scene{len(scenes):02d}"
    windows = []
    for _ in range(6):
        times = W.window_times(W.window_start(s, rng))
        f = W.facts(s, times)
        said = []
        for full in (True, False, False):
            p = W.true_predicate(f, rng, full=full)
            for q in ([p, W.perturb(p, rng)] if p else []):
                said.append({"predicate": q, "truth": float(W.truth(W.stack([f]), [q])[0, 0]),
                             "caption": W.caption(q, rng, canonical=True)})
        windows.append({"times": times, "facts": facts(f), "said": said})
    record = {"background": background(s.bg), "objects": [thing(o) for o in s.objs], "length": s.length,
              "lights": s.lights, "dark": s.dark, "windows": windows, "pictures": []}
    if len(scenes) < 14:
        wide = len(scenes) % 3 != 2
        w, h = (128, 96) if wide else (96, 96)
        if len(scenes) == 3:
            w, h = 320, 240
        margin = 1 / 6 if wide else 0.0
        image = s.bg.image(w, h, margin)
        for i, t in enumerate([s.focus[0] + 0.4 * (s.focus[1] - s.focus[0]), s.length * 0.3]):
            pictures[f"{name}.{i}"] = W.render(s, t, w, h, margin, image)
            record["pictures"].append({"name": f"{name}.{i}", "time": t, "width": w, "height": h, "margin": margin})
    scenes.append(record)
json.dump({"made_with": "world.py, OpenCV " + W.cv2.__version__, "scenes": scenes}, open(os.path.join(here, "scenes.json"), "w"),
          separators=(",", ":"))
save_file(pictures, os.path.join(here, "pictures.safetensors"))
print(len(scenes), len(pictures), kinds, acts)
