"""Writes normalisation.txt from Unicode's NormalizationTest.txt (15.0) and, for what 16.0 added, from unicodedata2.

Columns in hexadecimal: a string; its form C. Of the Hangul syllables, which follow a rule, every 16th is kept.
"""
import sys
import unicodedata2

lines = []
for count, line in enumerate(open(sys.argv[1], encoding="utf-8")):
    if line.startswith(("#", "@")):
        continue
    c1, c2, c3, c4, c5 = line.split(";")[:5]
    if 0xAC00 <= int(c1.split()[0], 16) <= 0xD7A3 and int(c1.split()[0], 16) % 16:
        continue
    for string, form in [(c1, c2), (c3, c2), (c4, c4), (c5, c4)]:
        lines.append(f"{string};{form}")
new = ["105C9", "105E4", "11383", "11385", "1138E", "11391", "113C5", "113C7", "113C8", "16121", "16122", "16123", "16124", "16125",
       "16126", "16127", "16128", "16D68", "16D69", "16D6A"]
for code in new:
    for form in ("NFC", "NFD"):
        text = unicodedata2.normalize(form, chr(int(code, 16)))
        composed = unicodedata2.normalize("NFC", text)
        lines.append(f"{' '.join(f'{ord(c):04X}' for c in text)};{' '.join(f'{ord(c):04X}' for c in composed)}")
open(sys.argv[2], "w").write("\n".join(dict.fromkeys(lines)) + "\n")
