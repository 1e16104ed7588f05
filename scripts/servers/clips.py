"""Coded video out of memory, again and again, for the scripts that serve it over RTSP."""
from gi.repository import Gst


def units(file, seconds=None, recode=None):
    """A film's coded units, in whole groups that begin with a keyframe, and their caps.

    `seconds` cuts it after so many groups' time; `recode` is an encoder's part of a launch line, for a film of another kind.
    """
    coded = f"h264parse ! avdec_h264 ! videoconvert ! videoscale ! {recode}" if recode else "h264parse"
    pipeline = Gst.parse_launch(f'filesrc location="{file}" ! qtdemux ! {coded} ! appsink name=units sync=false')
    pipeline.set_state(Gst.State.PLAYING)
    found = []
    while sample := pipeline.get_by_name("units").emit("pull-sample"):
        found.append(sample)
    pipeline.set_state(Gst.State.NULL)
    if not found:
        raise ValueError(f"{file}: there is no video in it")
    clip = [sample.get_buffer() for sample in found]
    keyframes = [n for n, unit in enumerate(clip) if not unit.has_flags(Gst.BufferFlags.DELTA_UNIT)]
    ends = [n for n in keyframes[1:] if seconds is None or clip[n].pts - clip[0].pts <= seconds * Gst.SECOND]
    return clip[:ends[-1]] if ends else clip, found[0].get_caps()


class Loop:
    """Feeds an `appsrc` with a clip's units, from keyframe to keyframe, so that Python has little to do."""

    def __init__(self, source, clip, caps):
        self.position, self.offset = 0, 0
        self.source = source
        self.turn_to(clip, caps)
        source.connect("need-data", self.feed)

    def turn_to(self, clip, caps):
        """Goes on with another clip; called between two groups."""
        self.clip, self.caps, self.position = clip, caps, 0
        self.times = [(unit.pts - clip[0].pts, unit.dts - clip[0].dts) for unit in clip]
        self.length = sum(unit.duration for unit in clip)
        self.source.set_property("caps", caps)

    def feed(self, source, size):
        everything = Gst.BufferCopyFlags.FLAGS | Gst.BufferCopyFlags.META | Gst.BufferCopyFlags.MEMORY
        group = Gst.BufferList.new()
        while True:
            kept = self.clip[self.position]
            unit = kept.copy_region(everything, 0, kept.get_size())
            unit.pts, unit.dts = (time + self.offset for time in self.times[self.position])
            group.insert(-1, unit)
            self.position += 1
            if self.position == len(self.clip):
                self.position, self.offset = 0, self.offset + self.length
            if not self.clip[self.position].has_flags(Gst.BufferFlags.DELTA_UNIT):
                break
        source.emit("push-buffer-list", group)
