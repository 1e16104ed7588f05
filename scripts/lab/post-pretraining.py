#!/usr/bin/env python3
"""Post-pretraining in small, as the paper does it: does training on one world help with another? Prints a table.

The first world's captions are English. The second's are in words of its own: each word of the first has another, in French,
that no model has read. A transformer head and the text tower are trained on a few clips of the second world, once from
towers that saw pictures only, and once from a model that was trained on many clips of the first world. R@1 is on other clips
of the second world.

  scripts/lab/post-pretraining.py --work .build/curve --towers towers [--sizes 64 256 1024]
"""
import json
import os
import re

import trials

WORDS = dict(line.split() for line in """
a un
an un
and et
another autre
apart separement
appears apparait
at au
away loin
big grand
black noir
blinks clignote
blue bleu
bottom bas
changes change
circle cercle
colour teinte
come viennent
corner coin
cross croix
dark sombre
disappears disparait
down descend
empty vide
from depuis
go vont
green vert
grows grandit
heart coeur
in dans
left gauche
lights lumieres
meet rencontrent
middle milieu
move bougent
moves bouge
nothing rien
off eteint
on sur
orange abricot
out dehors
pink rose
purple mauve
red rouge
right droite
ring anneau
room chambre
scene tableau
shape forme
shapes formes
shrinks retrecit
small petit
something chose
spins tourne
square carre
star etoile
stays reste
still immobile
the le
to vers
top haut
triangle trigone
turns devient
two deux
up monte
view vue
white blanc
yellow jaune
""".split("\n") if line)


def translated(manifest):
    """The same clips with captions in the other words."""
    folder = os.path.dirname(manifest) + "-other"
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, os.path.basename(manifest))
    with open(manifest) as lines, open(path, "w") as out:
        for line in lines:
            clip = json.loads(line)
            clip["caption"] = re.sub(r"\w+", lambda word: WORDS[word.group()], clip["caption"])
            clip["video"] = os.path.join(os.path.abspath(os.path.dirname(manifest)), clip["video"])
            out.write(json.dumps(clip) + "\n")
    return path


def main():
    ap = trials.parser(__doc__)
    ap.add_argument("--sizes", type=int, nargs="+", default=[64, 256, 1024])
    ap.add_argument("--steps", type=int, nargs="+", default=[100, 200, 400], help="steps of each size")
    ap.add_argument("--first", type=int, default=4096, help="clips of the first world")
    ap.add_argument("--first-steps", type=int, default=800)
    a = ap.parse_args()
    if len(a.steps) != len(a.sizes):
        ap.error("--steps needs one number for each of --sizes")
    t, head = trials.Trials(a), "transformer"
    # The first world's model is the learning curve's, if that was drawn.
    first = t.train(f"{head}-{a.first}-1", a.towers, t.clips("pairs", 1001, a.first), a.first, head, a.first_steps, 1, fresh=True)
    pairs, held = translated(t.clips("second", 2001, max(a.sizes))), translated(t.clips("second-held", 2002, a.held))
    found = {size: {"towers": [], "post-pretrained": []} for size in a.sizes}
    found = {0: {"towers": [t.recall(a.towers, held, "mean")], "post-pretrained": [t.recall(first, held, head)]}} | found
    for seed in a.seeds:
        for size, steps in zip(a.sizes, a.steps):
            for name, model in (("towers", a.towers), ("post-pretrained", first)):
                trained = t.train(f"second-{name}-{size}-{seed}", model, pairs, size, head, steps, seed, fresh=model != first)
                found[size][name].append(t.recall(trained, held, head))
                print(f"{name}, {size} clips, seed {seed}: R@1 {found[size][name][-1]:.1f}", flush=True)
    print(trials.table("clips of the second world", ["towers", "post-pretrained"], found.items()))


if __name__ == "__main__":
    main()
