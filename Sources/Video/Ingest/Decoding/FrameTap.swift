import CGStreamer
import Containers
import Foundation
import Pixels
import Sampling
import StreamSources
import Synchronization
import SystemSupport

/// Chooses the decoded pictures that are sampled, resizes them, and delivers them as frames; drops all others.
///
/// It runs on GStreamer's streaming threads. The probe before conversion and the sink's callback are called by one
/// thread at a time; `state` is locked all the same, since a queue in a custom launch line may separate their threads.
// @unchecked: `lock` guards `state`; `lanes` and `monitor` are used on the sink's thread only
final class FrameTap: @unchecked Sendable {
    private struct State {
        var sampler: FrameSampler
        var shedding: SampleShedding
        var clip: ClipChooser?
        var segment: GstSegment?
        var missingTimes = MissingTimes()
        /// The running time of the last decoded picture, in seconds.
        var seen = 0.0
        /// The latest presentation time among the pictures that an earlier opening of the source has already shown.
        var repeated: GstClockTime?
        /// The seconds added to media times, so that they go on when a file starts again or the source jumps back.
        var offset = 0.0
        var latest = -1.0
        var discontinuity = true
        var caps: String?
        /// The orientation, aperture and colour range that the film's index and the stream's tags state.
        var display = TrackDisplay()
    }

    private let lock = NSLock()
    private let order = HappensBefore()
    /// The reader of the film's index (`moov`), which states how pictures are displayed.
    private let movie = MovieTap()
    let timeKeeping: TimeKeeping
    let meter = FlowMeter()
    private var state: State
    /// One maker of pictures for the whole frame, then one for each region; used on the sink's thread only.
    private var lanes: [FrameLane]
    private let previews: Bool
    /// True if the source is a short film whose pixels count as square, as in CLIP4Clip's loaders.
    private let isClip: Bool
    /// The monitor of the whole picture's health; used on the sink's thread only.
    private var monitor: HealthMonitor
    private let fps: Double
    private let isLive: Atomic<Bool>
    /// True if time stamps follow the pipeline's clock, so that a jump into the future can be detected.
    private let keepsTime: Bool
    /// True while pictures are dropped because the pipeline has not yet said whether the source has an end.
    private let isHeld = Atomic(false)
    private let memory: UnitMemory?
    /// True if pictures wait for their time before they reach the sink, as in a file played in real time.
    private let isPaced: Bool
    private let decoding: DecodingRecord
    private let activity: SourceActivity
    private let share: SamplingShare
    private let sampled = Atomic<UInt64>(0)
    private let gated = Atomic<UInt64>(0)
    /// True if the source itself marks pictures that repeat the one before.
    private let repeats = Atomic(false)
    private let onFrame: @Sendable (Frame) -> Void
    private let onEvent: @Sendable (SourceEvent) -> Void

    init(
        _ description: SourceDescription, isLive: Bool, memory: UnitMemory?, keepsTime: Bool, decoding: DecodingRecord,
        activity: SourceActivity,
        share: SamplingShare, onFrame: @escaping @Sendable (Frame) -> Void,
        onEvent: @escaping @Sendable (SourceEvent) -> Void
    ) {
        fps = description.fps
        state = State(
            sampler: FrameSampler(fps: fps), shedding: SampleShedding(fps: fps),
            clip: description.clip.map { ClipChooser($0) })
        let regions = description.regions.sorted { $0.key < $1.key }.map { Optional($0) }
        lanes = ([nil] + regions).map { FrameLane($0?.key, $0?.value, description) }
        previews = description.previews
        isClip = description.clip != nil
        var limits = HealthMonitor.Limits()
        limits.frozen = description.frozen
        monitor = HealthMonitor(limits: limits)
        self.isLive = Atomic(isLive)
        self.keepsTime = keepsTime
        self.memory = memory
        timeKeeping = TimeKeeping(byArrival: isLive)
        isPaced = description.realtime
        self.decoding = decoding
        self.activity = activity
        self.share = share
        self.onFrame = onFrame
        self.onEvent = onEvent
    }

    var sampledFrames: UInt64 { sampled.load(ordering: .relaxed) }
    /// The number of sampled frames that had not changed enough since an earlier one, so that none was embedded anew.
    var gatedFrames: UInt64 { gated.load(ordering: .relaxed) }
    /// The number of frames of a short film that were sampled so far, whether `ClipFrames.wanted` names them or not.
    var clipFrames: Int { lock.withLock { state.clip?.sampled ?? 0 } }
    /// True if the source is live, as far as is known now.
    var isFoundLive: Bool { isLive.load(ordering: .relaxed) }
    /// Treats the source as live from now on, because its pipeline has reported that it has no end.
    func becomeLive() {
        isLive.store(true, ordering: .relaxed)
        timeKeeping.takeByArrival()
    }
    func hold(_ isHeld: Bool) { self.isHeld.store(isHeld, ordering: .relaxed) }

    /// True once the format of decoded video is known.
    var sawVideo: Bool { lock.withLock { state.caps != nil } }

    /// Makes pictures that the source marks as repetitions reuse the last picture, without reading their pixels.
    func repeatsPictures() { repeats.store(true, ordering: .relaxed) }

    /// Prepares for a file that plays again from its start: media time goes on, and the next frame is a discontinuity.
    func beginAgain() {
        lock.withLock {
            state.offset = max(state.latest, 0) + 1 / fps
            state.sampler = FrameSampler(fps: fps)
            state.missingTimes.beginAgain()
            state.discontinuity = true
        }
    }

    /// Adds the probe before the pipeline's conversion, and the callback of its sink.
    ///
    /// The pipeline must not outlive this object.
    func attach(to pipeline: Pipeline) {
        movie.attach(to: pipeline)
        let me = Unmanaged.passUnretained(self).toOpaque()
        if let pad = gst_element_get_static_pad(pipeline.sampling, "sink") {
            let kinds = GST_PAD_PROBE_TYPE_BUFFER.rawValue | GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM.rawValue
            gst_pad_add_probe(
                pad, GstPadProbeType(rawValue: kinds),
                { pad, info, user in
                    guard let pad, let info, let user else { return GST_PAD_PROBE_OK }
                    return Unmanaged<FrameTap>.fromOpaque(user).takeUnretainedValue().inTurn { $0.probe(info, of: pad) }
                }, me, nil)
            gst_object_unref(pad)
        }
        var callbacks = GstAppSinkCallbacks()
        callbacks.new_sample = { sink, user in
            guard let sink, let user, let sample = ww_app_sink_pull(sink) else { return GST_FLOW_OK }
            defer { ww_unref_sample(sample) }
            Unmanaged<FrameTap>.fromOpaque(user).takeUnretainedValue().inTurn { $0.deliver(sample, from: sink) }
            return GST_FLOW_OK
        }
        order.pass()
        ww_app_sink_set_callbacks(pipeline.sink, &callbacks, me)
    }

    private func inTurn<R>(_ body: (FrameTap) -> R) -> R { order.whileHeld { body(self) } }

    private func probe(
        _ info: UnsafeMutablePointer<GstPadProbeInfo>, of pad: UnsafeMutablePointer<GstPad>
    ) -> GstPadProbeReturn {
        if let event = ww_probe_event(info) {
            observe(event)
            return GST_PAD_PROBE_OK
        }
        guard let buffer = ww_probe_buffer(info) else { return GST_PAD_PROBE_OK }
        meter.step()
        if memory?.hasSeen(UInt64(buffer.pointee.pts)) == true {
            if activity.heardPicture() { onEvent(.started) }
            // Pictures that were shown before count as progress as long as their times advance.
            if repeatGoesOn(to: buffer.pointee.pts) { activity.sampledPicture() }
            return GST_PAD_PROBE_DROP
        }
        let (made, take, isOver, leap): (GstClockTime?, Bool, Bool, Double?) = lock.withLock {
            let (made, running) = stamp(buffer, pad)
            if state.clip != nil {
                let wasOver = state.clip?.isOver ?? false
                let take = state.clip?.take() ?? false
                return (made, take, !wasOver && state.clip?.isOver ?? false, nil)
            }
            guard let time = running else { return (made, false, false, nil) }
            defer { state.seen = time }
            let leaps = keepsTime && time > state.seen + Self.maxLead
            return (made, takeOrShed(time), false, leaps ? time : nil)
        }
        if let made { ww_probe_set_time(info, made) }
        // The clock is asked only when time stamps jump; they also jump after a gap.
        if let lead = leap.map({ ww_lead(pad, $0) }), lead > Self.maxLead {
            onEvent(.failed("a picture's time stamp lies \(Self.words(lead)) ahead of the clock"))
            return GST_PAD_PROBE_DROP
        }
        if activity.heardPicture() { onEvent(.started) }
        if isHeld.load(ordering: .relaxed) { return GST_PAD_PROBE_DROP }
        if isOver { onEvent(.endOfStream) }
        return take ? GST_PAD_PROBE_OK : GST_PAD_PROBE_DROP
    }

    /// Returns true if a picture that was shown before, at `time`, is later than all such pictures so far.
    private func repeatGoesOn(to time: GstClockTime) -> Bool {
        lock.withLock {
            if let latest = state.repeated, time <= latest { return false }
            state.repeated = time
            return true
        }
    }

    /// Returns the time stamp to give a picture (nil if its own is right), and its running time in seconds.
    ///
    /// The caller holds the lock.
    private func stamp(
        _ buffer: UnsafeMutablePointer<GstBuffer>, _ pad: UnsafeMutablePointer<GstPad>
    ) -> (made: GstClockTime?, running: Double?) {
        let (own, length) = (buffer.pointee.pts, buffer.pointee.duration)
        let running = Self.time(own, state.segment)
        // A picture outside the segment to be shown keeps its time stamp, and is not sampled.
        if own != ww_no_time(), running == nil { return (nil, nil) }
        guard
            let time = state.missingTimes.made(
                stamp: running, duration: length == ww_no_time() ? nil : Double(length) / 1e9,
                arrival: timeKeeping.isByArrival ? -ww_lead(pad, 0) : nil),
            let nanoseconds = MediaTime.nanoseconds(time).map({ GstClockTime($0) })
        else { return (nil, running) }
        guard var segment = state.segment, segment.format == GST_FORMAT_TIME else { return (nanoseconds, time) }
        return (gst_segment_position_from_running_time(&segment, GST_FORMAT_TIME, nanoseconds), time)
    }

    /// Returns true if the picture at running time `time` is to be sampled; counts it if it is shed under overload.
    ///
    /// The caller holds the lock.
    private func takeOrShed(_ time: Double) -> Bool {
        // If only keyframes are decoded, those that are not due to be sampled were dropped before the decoder, perhaps
        // by another clock.
        let isShedAlready = decoding.isKeyframesOnly
        guard state.sampler.take(time, slack: isShedAlready ? 0.5 / fps : 0) else { return false }
        guard isLive.load(ordering: .relaxed), !isShedAlready, !state.shedding.keeps(share.value) else { return true }
        decoding.addShed()
        activity.sampledPicture()
        return false
    }

    // A decoder never lets a time stamp be lower than the one before. After one that damaged data put into the far
    // future, all pictures get that time, and none would ever be due. Only opening the source again helps.
    private static let maxLead = 10.0

    private static func words(_ seconds: Double) -> String {
        seconds < 7200 ? "\(Int(seconds)) s" : "\(Int(min(seconds / 3600, 1e9))) h"
    }

    private func observe(_ event: UnsafeMutablePointer<GstEvent>) {
        switch ww_event_type(event) {
        case GST_EVENT_STREAM_START:
            var display = movie.display(event) ?? TrackDisplay()
            // CLIP4Clip's loaders ignore mirroring and apertures.
            if isClip { (display.orientation, display.aperture) = (nil, nil) }
            lock.withLock { state.display = display }
        case GST_EVENT_TAG:
            guard let tag = PictureOrientation(event) else { return }
            lock.withLock { state.display.orientation = tag }
        case GST_EVENT_SEGMENT:
            var segment = GstSegment()
            gst_event_copy_segment(event, &segment)
            lock.withLock { state.segment = segment }
        case GST_EVENT_CAPS:
            guard let format = Self.format(event) else { return }
            lock.withLock { state.missingTimes.learn(rate: format.fps) }
            do {
                try lock.withLock { try state.clip?.learn(fps: format.fps) }
            } catch {
                onEvent(.failed("\(error)"))
            }
            let changed = lock.withLock {
                defer { state.caps = format.size }
                return state.caps != format.size
            }
            if changed { onEvent(.formatChanged(format.size)) }
        default: break
        }
    }

    /// Returns the picture size ("640x480") and the frame rate (0 if it varies) from a caps event; nil if it has none.
    private static func format(_ event: UnsafeMutablePointer<GstEvent>) -> (size: String, fps: Double)? {
        var caps: OpaquePointer?
        return withUnsafeMutablePointer(to: &caps) { pointer in
            pointer.withMemoryRebound(to: UnsafeMutablePointer<GstCaps>?.self, capacity: 1) {
                gst_event_parse_caps(event, $0)
                var info = GstVideoInfo()
                guard let caps = $0.pointee, gst_video_info_from_caps(&info, caps) != 0 else { return nil }
                return ("\(info.width)x\(info.height)", Double(info.fps_n) / Double(max(info.fps_d, 1)))
            }
        }
    }

    private func deliver(_ sample: OpaquePointer, from sink: UnsafeMutablePointer<GstAppSink>) {
        let pts = gst_sample_get_buffer(sample)?.pointee.pts ?? ww_no_time()
        guard let time = Self.time(pts, gst_sample_get_segment(sample)?.pointee) else { return }
        let received = isPaced ? .now : activity.heard.anything ?? .now
        let wallClock = Date(timeIntervalSinceNow: isLive.load(ordering: .relaxed) ? -ww_age(sink, time) : 0)
        let display = lock.withLock { state.display }
        let keeps = repeats.load(ordering: .relaxed)
        let isRepeated = keeps && ww_fills_gap(sample) != 0
        let seen = decoding.whileScaling {
            Pipeline.withFrame(sample, display, squarePixels: isClip) { frame in
                let pictures = lanes.indices.map {
                    (isRepeated ? lanes[$0].repeated : nil)
                        ?? lanes[$0].makePicture(of: frame, previews: previews, keeps: keeps)
                }
                return (pictures, mark: frame.fingerprint)
            }
        }
        guard let (pictures, mark) = seen, let whole = pictures.first else { return }
        let (mediaTime, discontinuity) = lock.withLock {
            if time + state.offset < state.latest {  // the source jumped back: continue from the latest time
                state.offset = state.latest + 1 / fps - time
                state.discontinuity = true
            }
            defer { state.discontinuity = false }
            state.latest = time + state.offset
            return (state.latest, state.discontinuity)
        }
        if discontinuity { monitor.reset() }
        let health = monitor.observe(whole.levels, at: mediaTime, decoded: mark)
        sampled.wrappingAdd(1, ordering: .relaxed)
        activity.sampledPicture()
        if pictures.allSatisfy(\.isSame) { gated.wrappingAdd(1, ordering: .relaxed) }
        meter.whileTaken {
            for (lane, seen) in zip(lanes, pictures) {
                onFrame(
                    Frame(
                        picture: seen.picture, pictureNumber: seen.number, mediaTime: mediaTime, wallClock: wallClock,
                        received: received, discontinuity: discontinuity, region: lane.name, preview: seen.preview,
                        health: health))
            }
        }
    }

    /// Converts a presentation time to running time in seconds, which continues across segments.
    ///
    /// Nil for a picture without a presentation time, or outside the segment to be shown.
    private static func time(
        _ pts: GstClockTime, _ segment: GstSegment?
    ) -> Double? {
        guard pts != ww_no_time() else { return nil }
        guard var segment, segment.format == GST_FORMAT_TIME else { return Double(pts) / 1e9 }
        let time = gst_segment_to_running_time(&segment, GST_FORMAT_TIME, pts)
        return time == ww_no_time() ? nil : Double(time) / 1e9
    }
}
