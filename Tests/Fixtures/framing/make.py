"""Writes framing.json: a picture as Pillow scales it, for the filters and framings that configurations name.

Made with Pillow 12.0.0. The sizes and crops are those of transformers (crop rounded down) and of OpenCLIP (half to even).
"""
import base64, json, sys
from PIL import Image, __version__

source = Image.open(sys.argv[1]).convert("RGB")
F = Image.Resampling
filters = {"bicubic": F.BICUBIC, "bilinear": F.BILINEAR, "lanczos": F.LANCZOS, "box": F.BOX, "hamming": F.HAMMING}
cases = []

def add(name, fit, filter, side, picture, rounding="down", fill=(0, 0, 0), crop=None):
    cases.append(dict(name=name, fit=fit, filter=filter, side=side, rounding=rounding, fill=fill,
                      columns=crop[0] if crop else source.width, rows=crop[1] if crop else source.height,
                      rgb=base64.b64encode(picture.tobytes()).decode()))

def shortest(picture, length, filter):
    w, h = picture.size
    short = min(w, h)
    return picture.resize((length if w == short else int(length * w / short),
                           length if h == short else int(length * h / short)), filter)

def centre(picture, side, rounding):
    w, h = picture.size
    half = (lambda x: x // 2) if rounding == "down" else (lambda x: int(round(x / 2.0)))
    left, top = half(w - side), half(h - side)
    return picture.crop((left, top, left + side, top + side))

for name, filter in filters.items():
    add(f"{name} squash", "squash 32", name, 32, source.resize((32, 32), filter))
    add(f"{name} shortest", "shortest 32", name, 32, centre(shortest(source, 32, filter), 32, "down"))
    add(f"{name} resized beyond the crop", "shortest 40", name, 32, centre(shortest(source, 40, filter), 32, "down"))
    add(f"{name} enlarged", "squash 64", name, 48, centre(source.crop((0, 0, 20, 30)).resize((64, 64), filter), 48, "down"),
        crop=(20, 30))
# 199 x 133 to 32: 47 wide, 15 over: half of it is 7.5, which is 8 to the even number and 7 down.
odd = source.crop((0, 0, 199, 133))
for rounding in ("down", "half-even"):
    add(f"odd rest, {rounding}", "shortest 32", "bicubic", 32, centre(shortest(odd, 32, F.BICUBIC), 32, rounding), rounding,
        crop=(199, 133))
for size in [(200, 150), (150, 150), (60, 150), (199, 31)]:
    part = source.crop((0, 0) + size)
    ratio = max(size[1] / 32, size[0] / 32)
    scaled = part.resize((round(size[0] / ratio), round(size[1] / ratio)), F.BILINEAR)
    square = Image.new("RGB", (32, 32), (127, 5, 250))
    square.paste(scaled, ((32 - scaled.width) // 2, (32 - scaled.height) // 2))
    add(f"longest {size[0]}x{size[1]}", "longest 32", "bilinear", 32, square, "half-even", (127, 5, 250), size)
json.dump(dict(pillow=__version__, cases=cases), open(sys.argv[2], "w"), indent=1)
