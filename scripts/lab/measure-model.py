#!/usr/bin/env python3
"""What a model of the shapes world is worth, head by head, as a table.

Retrieval: R@1 among held-out clips with full captions, no two the same. Directions: the AUC of a film's windows that show
something move one way against those that show it move the other way, by the score of "something moves left" and the like;
0.5 is right for `mean`, which cannot know the order of frames. Events: precision, recall and F1 in videos whose true events
are known, at the model's own thresholds.

  scripts/lab/measure-model.py --work .build/measure MODEL [MODEL ...] [--json]
"""
import argparse
import json
import os
import tempfile

import trials

HEADS = ["mean", "lstm", "transformer", "tight"]
WAYS = {"left or right": ("left", "right"), "up or down": ("up", "down")}


def auc(right, wrong):
    """The share of pairs in which the first scores higher; equal scores count half. None, without pairs."""
    if not right or not wrong:
        return None
    ranked = sorted([(score, 0) for score in wrong] + [(score, 1) for score in right])
    total, place = 0, 0
    while place < len(ranked):
        end = place
        while end < len(ranked) and ranked[end][0] == ranked[place][0]:
            end += 1
        # Ranks from 1; equals share their mean.
        total += sum(which for _, which in ranked[place:end]) * (place + 1 + end) / 2
        place = end
    return (total - len(right) * (len(right) + 1) / 2) / (len(right) * len(wrong))


def shown(events, way, start, end):
    """Seconds of a window in which something moves that way."""
    return sum(max(0, min(end, e["end_s"]) - max(start, e["start_s"])) for e in events if e["kind"] == f"move_{way}")


def directions(a, model, head):
    film = os.path.join(a.work, f"film-{a.seed}-{a.seconds}.mp4")
    if not os.path.exists(film):
        trials.run(a.watchword, "world", "video", "--seed", a.seed, "--seconds", a.seconds, "--cuts", "--output", film)
    with open(film.replace(".mp4", ".events.json")) as f:
        events = json.load(f)["events"]
    texts = {way: f"something moves {way}" for ways in WAYS.values() for way in ways}
    with tempfile.TemporaryDirectory() as folder:
        scores = os.path.join(folder, "scores")
        trials.run(a.watchword, "watch", film, "--model", model, "--head", head, "--scores", scores, "--json", "--query", *texts.values())
        with open(scores) as f:
            lines = [json.loads(line) for line in f]
    found = {}
    for name, (one, other) in WAYS.items():
        values = []
        for way, against in ((one, other), (other, one)):
            groups = {way: [], against: []}
            for line in lines:
                if line["query"]["text"] != texts[way]:
                    continue
                ways = {w: shown(events, w, line["start"], line["end"]) for w in (way, against)}
                for this, that in ((way, against), (against, way)):
                    # Four of the seven steps of a window are one second.
                    if ways[this] >= 1 and ways[that] == 0:
                        groups[this].append(line["score"])
            values.append(auc(groups[way], groups[against]))
        found[name] = None if None in values else sum(values) / 2
    return found


def totals(videos):
    """Precision and recall of all videos' events together."""
    videos = list(videos)
    found, truths = sum(v["found"] for v in videos), sum(v["truths"] for v in videos)
    right = sum((v["precision"] or 0) * v["found"] for v in videos)
    return right / max(found, 1), sum((v["recall"] or 0) * v["truths"] for v in videos) / max(truths, 1)


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("models", nargs="+", metavar="MODEL")
    ap.add_argument("--work", required=True, help="where the clips, the film and the embeddings are kept")
    ap.add_argument("--watchword", default=".build/release/watchword")
    ap.add_argument("--videos", default="Tests/Fixtures/videos", help="videos whose true events are known")
    ap.add_argument("--clips", type=int, default=500)
    ap.add_argument("--seed", type=int, default=901)
    ap.add_argument("--seconds", type=int, default=1200, help="of the film")
    ap.add_argument("--json", action="store_true")
    a = ap.parse_args()
    t = trials.Trials(a)
    held = t.clips(f"clips-{a.seed}", a.seed, a.clips)
    rows = []
    for model in a.models:
        retrieval = json.loads(trials.run(a.watchword, "eval", "--model", model, "--manifest", held, "--cache", t.cache, "--bootstrap", 0,
                                          "--json", "--head", *HEADS))["results"]
        counts = json.loads(trials.run(a.watchword, "eval", "events", a.videos, "--model", model, "--rule", "fixed", "--json", "--head", *HEADS))
        for head in HEADS:
            of = next(r for r in retrieval if r["head"] == head)
            precision, recall = totals(r for r in counts["results"] if r["head"] == head)
            rows.append({
                "model": model, "head": head, "text_to_video_r1": of["text_to_video"]["metrics"]["R1"],
                "video_to_text_r1": of["video_to_text"]["metrics"]["R1"], "auc": directions(a, model, head),
                "precision": precision, "recall": recall, "f1": 2 * precision * recall / (precision + recall or 1)})
    if a.json:
        return print(json.dumps(rows, indent=1))
    print("| model | head | text to video R@1 | video to text R@1 | left or right, AUC | up or down, AUC | precision | recall | F1 |")
    print("|---|---|---|---|---|---|---|---|---|")
    for r in rows:
        print(f"| {r['model']} | {r['head']} | {r['text_to_video_r1']:.1f} | {r['video_to_text_r1']:.1f} | "
              + " | ".join("" if r["auc"][way] is None else f"{r['auc'][way]:.3f}" for way in WAYS)
              + f" | {r['precision']:.2f} | {r['recall']:.2f} | {r['f1']:.2f} |")


if __name__ == "__main__":
    main()
