"""Makes the pictures of this folder, and what Pillow reads of them: `expected.safetensors`, a tensor `NAME [height, width, 3]` of bytes
for each picture, and `upright.NAME` of those with an orientation, as `ImageOps.exif_transpose` turns them.

Written with Pillow 13.0.0 (libjpeg-turbo 3.2.0, zlib 1.3, libwebp 1.6.0) and NumPy 2.4. Usage: python3 make.py
"""
import ctypes, json, struct, zlib
import numpy as np
from PIL import Image, ImageOps

W, H = 37, 29
rng = np.random.default_rng(7)
y, x = np.mgrid[0:H, 0:W]
rgb = np.stack([x * 255 // (W - 1), y * 255 // (H - 1), (x * 7 + y * 11) % 256], -1).astype(np.uint8)
rgb[5:15, 6:20] = (186, 75, 163)
rgb[18:26, 22:34] = rng.integers(0, 256, (8, 12, 3))
alpha = ((x + y) * 255 // (W + H - 2)).astype(np.uint8)
grey = rgb[..., 0] // 2 + rgb[..., 1] // 2
deep = rgb.astype(np.uint16) * 256 + rng.integers(0, 256, rgb.shape).astype(np.uint16)
expected = {}


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


ADAM7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]


def png(name, depth, colour, samples, interlaced=False, extra=b"", keep=True):
    """`samples` [H, W, n] of numbers of `depth` bits."""
    def rows(part):
        out = b""
        for row in part:
            flat = row.reshape(-1)
            if depth == 16:
                data = flat.astype(">u2").tobytes()
            elif depth == 8:
                data = flat.astype(np.uint8).tobytes()
            else:
                bits = "".join(format(int(v), f"0{depth}b") for v in flat)
                bits += "0" * (-len(bits) % 8)
                data = int(bits, 2).to_bytes(len(bits) // 8, "big")
            out += b"\0" + data
        return out

    if interlaced:
        raw = b"".join(rows(samples[y0::dy, x0::dx]) for x0, y0, dx, dy in ADAM7 if samples[y0::dy, x0::dx].size)
    else:
        raw = rows(samples)
    data = (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", samples.shape[1], samples.shape[0], depth, colour, 0, 0, int(interlaced)))
            + extra + chunk(b"IDAT", zlib.compress(raw, 9)) + chunk(b"IEND", b""))
    open(name, "wb").write(data)
    if keep:
        pillow(name)
    return data


def pillow(name):
    with Image.open(name) as picture:
        expected[name] = np.array(picture.convert("RGB"))
        turned = ImageOps.exif_transpose(Image.open(name)).convert("RGB")
        if picture.getexif().get(274, 1) != 1:
            expected["upright." + name] = np.array(turned)


def save(name, array, mode=None, **options):
    picture = Image.fromarray(array, mode) if mode else Image.fromarray(array)
    picture.save(name, **options)
    pillow(name)


def turbo(name, array, samples, subsampling):
    """What Pillow cannot write, by libturbojpeg 2.1.5 (TurboJPEG's numbers of pixel formats and subsamplings)."""
    library = ctypes.CDLL("libturbojpeg.so.0")
    library.tjInitCompress.restype = ctypes.c_void_p
    out, size = ctypes.c_void_p(), ctypes.c_ulong()
    status = library.tjCompress2(
        ctypes.c_void_p(library.tjInitCompress()), np.ascontiguousarray(array).tobytes(), W, 0, H, samples, ctypes.byref(out),
        ctypes.byref(size), subsampling, 85, 0)
    assert status == 0
    open(name, "wb").write(ctypes.string_at(out, size.value))
    pillow(name)


palette = rng.integers(0, 256, (16, 3)).astype(np.uint8)
plte, trns = chunk(b"PLTE", palette.tobytes()), chunk(b"tRNS", bytes(range(0, 160, 10)))
index = ((x // 3 + y // 3) % 16)[..., None]
full = np.concatenate([rgb, alpha[..., None]], -1)
deep_alpha = np.concatenate([deep, (alpha.astype(np.uint16) * 257)[..., None]], -1)
for interlaced in (False, True):
    end = "-interlaced.png" if interlaced else ".png"
    png("grey1" + end, 1, 0, (grey[..., None] > 127).astype(int), interlaced)
    png("grey2" + end, 2, 0, grey[..., None] // 64, interlaced)
    png("grey4" + end, 4, 0, grey[..., None] // 16, interlaced)
    png("grey8" + end, 8, 0, grey[..., None], interlaced)
    png("grey8-alpha" + end, 8, 4, np.stack([grey, alpha], -1), interlaced)
    png("grey16-alpha" + end, 16, 4, np.stack([deep[..., 0], alpha.astype(np.uint16) * 257], -1), interlaced)
    png("palette1" + end, 1, 3, index % 2, interlaced, chunk(b"PLTE", palette[:2].tobytes()))
    png("palette2" + end, 2, 3, index % 4, interlaced, chunk(b"PLTE", palette[:4].tobytes()))
    png("palette4" + end, 4, 3, index, interlaced, plte)
    png("palette8" + end, 8, 3, index, interlaced, plte)
    png("palette8-trns" + end, 8, 3, index, interlaced, plte + trns)
    png("rgb8" + end, 8, 2, rgb, interlaced)
    png("rgb8-trns" + end, 8, 2, rgb, interlaced, chunk(b"tRNS", struct.pack(">HHH", 186, 75, 163)))
    png("grey8-trns" + end, 8, 0, grey[..., None], interlaced, chunk(b"tRNS", struct.pack(">H", int(grey[0, 0]))))
    png("rgba8" + end, 8, 6, full, interlaced)
    png("rgb16" + end, 16, 2, deep, interlaced)
    png("rgba16" + end, 16, 6, deep_alpha, interlaced)
    # Pillow cuts grey of 16 bits at 255; what is meant is the upper byte.
    png("grey16" + end, 16, 0, deep[..., :1], interlaced, keep=False)
    expected["grey16" + end] = np.repeat((deep[..., :1] >> 8).astype(np.uint8), 3, -1)
png("gamma.png", 8, 2, rgb, extra=chunk(b"gAMA", struct.pack(">I", 30000)))
png("grey16-trns.png", 16, 0, deep[..., :1], extra=chunk(b"tRNS", b"\1\2"), keep=False)
expected["grey16-trns.png"] = expected["grey16.png"]

for name, factors in {"444": 0, "422": 1, "420": 2}.items():
    save(f"{name}.jpg", rgb, quality=85, subsampling=factors)
    save(f"{name}-progressive.jpg", rgb, quality=85, subsampling=factors, progressive=True)
turbo("440.jpg", rgb, 0, 4)
turbo("411.jpg", rgb, 0, 5)
save("grey.jpg", grey, quality=85)
save("grey-progressive.jpg", grey, quality=85, progressive=True)
save("rgb.jpg", rgb, quality=90, keep_rgb=True)
save("restart.jpg", rgb, quality=85, restart_marker_rows=1)
inks = np.concatenate([255 - rgb, (alpha // 3)[..., None]], -1)
save("cmyk.jpg", inks, "CMYK", quality=90)
turbo("ycck.jpg", inks, 11, 0)
turbo("ycck-420.jpg", inks, 11, 2)
for turn in range(1, 9):
    exif = Image.Exif()
    exif[274] = turn
    save(f"turn{turn}.jpg", rgb, quality=85, exif=exif.tobytes())
exif = Image.Exif()
exif[274] = 6
save("turn6.png", rgb, exif=exif.tobytes())
save("turn6.webp", rgb, lossless=True, exif=exif.tobytes())
save("lossy.webp", rgb, quality=80)
save("lossless.webp", rgb, lossless=True)
save("alpha.webp", full, lossless=True, exact=True)
save("palette.gif", rgb)
frames = [Image.fromarray(np.roll(rgb, n, 1)) for n in (0, 5)]
frames[0].save("animated.gif", save_all=True, append_images=frames[1:])
pillow("animated.gif")
save("rgb.bmp", rgb)
save("grey.bmp", grey)
save("palette.bmp", (index[..., 0] * 16).astype(np.uint8))
save("rgb.tiff", rgb, compression="tiff_lzw")
save("grey.tiff", grey)

# Rarer modes of BMP, GIF, TIFF and WebP.
bits = grey > 127
palettes = Image.fromarray((index[..., 0]).astype(np.uint8), "P")
palettes.putpalette(palette.tobytes())


def bmp(name, depth, rows, table=b"", compression=0, height=H, size=40, masks=b""):
    """A BMP of whole rows, as few programs write it."""
    start = 14 + size + len(table) + (len(masks) if size == 40 else 0)
    head = struct.pack("<IiiHHIIiiII", size, W, height, 1, depth, compression, len(rows), 2835, 2835, len(table) // 4, 0)
    open(name, "wb").write(b"BM" + struct.pack("<IHHI", start + len(rows), 0, 0, start) + head + masks
                           + bytes(max(0, size - 40 - len(masks))) + table + rows)
    pillow(name)


def padded(rows):
    return b"".join(row + bytes(-len(row) % 4) for row in rows)


table = b"".join(bytes([b, g, r, 0]) for r, g, b in palette)
flat = index[..., 0].astype(np.uint8)
save("grey1.bmp", bits)
nibbles = np.concatenate([flat, np.zeros((H, 1), np.uint8)], 1)
bmp("palette4.bmp", 4, padded((row[0::2] << 4 | row[1::2]).tobytes() for row in nibbles[::-1]), table)
bmp("top-down.bmp", 24, padded(row[:, ::-1].tobytes() for row in rgb), height=-H)
small = (rgb[..., 0].astype(np.uint16) >> 3 << 10) | (rgb[..., 1].astype(np.uint16) >> 3 << 5) | rgb[..., 2] >> 3
bmp("rgb555.bmp", 16, padded(row.astype("<u2").tobytes() for row in small[::-1]))
small = (rgb[..., 0].astype(np.uint16) >> 3 << 11) | (rgb[..., 1].astype(np.uint16) >> 2 << 5) | rgb[..., 2] >> 3
bmp("rgb565.bmp", 16, padded(row.astype("<u2").tobytes() for row in small[::-1]), compression=3,
    masks=struct.pack("<III", 0xF800, 0x7E0, 0x1F))
bmp("rgb32.bmp", 32, b"".join(np.concatenate([row[:, ::-1], np.zeros((W, 1), np.uint8)], 1).tobytes() for row in rgb[::-1]))


def runs(row):
    out, at = b"", 0
    while at < len(row):
        length = 1
        while at + length < len(row) and row[at + length] == row[at]:
            length += 1
        out, at = out + bytes([length, row[at]]), at + length
    return out + b"\0\0"


bmp("rle8.bmp", 8, b"".join(runs(row) for row in flat[::-1])[:-2] + b"\0\1", table, compression=1)
palettes.save("interlaced.gif", interlace=True)
pillow("interlaced.gif")
Image.fromarray(grey).save("grey.gif")
pillow("grey.gif")
save("lossy-alpha.webp", full, quality=80)
save("grey.webp", grey, lossless=True)
save("grey1.tiff", bits)
save("group4.tiff", bits, compression="group4")
Image.fromarray(full).save("rgba.tiff")
save("cmyk.tiff", inks, "CMYK")
save("deflate.tiff", rgb, compression="tiff_adobe_deflate")
save("packbits.tiff", rgb, compression="packbits")
save("jpeg.tiff", rgb, compression="jpeg", quality=90)
palettes.save("palette.tiff")
pillow("palette.tiff")
deepest = Image.fromarray((deep[..., 0]))
deepest.save("grey16.tiff")
expected["grey16.tiff"] = np.repeat((deep[..., :1] >> 8).astype(np.uint8), 3, -1)
pages = [Image.fromarray(np.roll(rgb, n, 1)) for n in (0, 5)]
pages[0].save("pages.tiff", save_all=True, append_images=pages[1:])
pillow("pages.tiff")

# What must be refused.
whole = open("420.jpg", "rb").read()
open("cut.jpg", "wb").write(whole[: len(whole) // 2])
open("cut-ended.jpg", "wb").write(whole[: len(whole) * 5 // 6] + b"\xff\xd9")
open("without-end.jpg", "wb").write(whole[:-2])
progressive = open("420-progressive.jpg", "rb").read()
open("cut-progressive.jpg", "wb").write(progressive[: len(progressive) * 2 // 3])
whole = open("rgb8.png", "rb").read()
open("cut.png", "wb").write(whole[: len(whole) // 2])
open("without-end.png", "wb").write(whole[:-12])
damaged = bytearray(whole)
damaged[len(damaged) // 2] ^= 0x55
open("damaged.png", "wb").write(damaged)
whole = open("lossless.webp", "rb").read()
open("cut.webp", "wb").write(whole[: len(whole) // 2])
for name in ("rgb.bmp", "palette.gif", "rgb.tiff"):
    whole = open(name, "rb").read()
    open("cut" + name[-4:].replace("tiff", ".tiff"), "wb").write(whole[: len(whole) * 2 // 3])
Image.fromarray(rgb).save("picture.avif")
# A HEIC file's first box; there is no encoder to make the rest.
open("picture.heic", "wb").write(struct.pack(">I4s4sI4s4s", 24, b"ftyp", b"heic", 0, b"mif1", b"heic") + bytes(64))


def bomb(name, width, height, interlaced=False):
    row = b"\0" + bytes((width + 7) // 8)
    packer = zlib.compressobj(9)
    data = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    open(name, "wb").write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, int(interlaced)))
                           + chunk(b"IDAT", data) + chunk(b"IEND", b""))


bomb("bomb.png", 14000, 14000)  # 196 million pixels in 24 kB

header, data = {}, b""
for name, array in sorted(expected.items()):
    raw = np.ascontiguousarray(array).tobytes()
    header[name] = {"dtype": "U8", "shape": list(array.shape), "data_offsets": [len(data), len(data) + len(raw)]}
    data += raw
text = json.dumps(header).encode()
text += b" " * (-len(text) % 8)
open("expected.safetensors", "wb").write(struct.pack("<Q", len(text)) + text + data)
