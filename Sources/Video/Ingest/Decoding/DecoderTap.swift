import CGStreamer
import Sampling
import StreamSources
import Synchronization
import SystemSupport

/// Drops the coded pictures of a live source that need not be decoded, by GStreamer probes before its decoders.
///
/// It also limits the decoders' threads. After a keyframe whose following pictures are dropped, the decoder is made to
/// output it at once. Otherwise it would delay it until it knows that no earlier picture follows: with B-frames, for as
/// many keyframes as it may reorder.
// @unchecked: all properties are constants or safe for threads
final class DecoderTap: @unchecked Sendable {
    private let mode: DecodeMode
    private let fps: Double
    fileprivate let record: DecodingRecord
    fileprivate let activity: SourceActivity
    fileprivate let share: SamplingShare
    fileprivate let turns: DecodingTurns?
    fileprivate let units: (any UnitTaker)?
    private let order = HappensBefore()
    /// The probe of the decoder that GStreamer added last.
    private let gate = Mutex(WeakGate())

    /// Makes the probes' shared state; `attach` then adds the probes to a pipeline.
    ///
    /// `turns` limits how many streams decode at once; nil where pictures wait for their time after decoding. `units`
    /// gets a copy of each coded picture before any is dropped.
    init(
        _ mode: DecodeMode, fps: Double, record: DecodingRecord, activity: SourceActivity, share: SamplingShare,
        turns: DecodingTurns?, units: (any UnitTaker)? = nil
    ) {
        self.units = units
        self.activity = activity
        self.share = share
        self.turns = turns
        self.mode = mode
        self.fps = fps
        self.record = record
    }

    /// Adds a probe to each video decoder of a pipeline, also later ones; the pipeline must not outlive this object.
    func attach(to pipeline: Pipeline) {
        order.pass()
        ww_watch_elements(
            pipeline.element,
            { _, _, element, user in
                guard let element, let user, ww_is_video_decoder(element) != 0 else { return }
                Unmanaged<DecoderTap>.fromOpaque(user).takeUnretainedValue().found(element)
            }, Unmanaged.passUnretained(self).toOpaque())
    }

    /// True while all coded pictures that need others are dropped before the decoder.
    ///
    /// It is read by the streaming thread that gives the decoder its pictures.
    var dropsDeltas: Bool { gate.withLock { $0.gate }?.dropsDeltas ?? false }

    /// True while somebody records the stream's coded pictures, so that none may be discarded earlier.
    var wantsUnits: Bool { units?.isWanted ?? false }

    /// True if the decoder gets all coded pictures, not keyframes alone.
    var takesAll: Bool { gate.withLock { $0.gate }?.takesAll ?? false }

    /// Counts a coded picture that was discarded before it was even assembled, as if it had been dropped here.
    func leaveOut(at time: Double?) { gate.withLock { $0.gate }?.leaveOut(at: time) }

    private func found(_ decoder: UnsafeMutablePointer<GstElement>) {
        order.take()
        // One thread for each camera's decoder: the cameras fill the cores by their number. A decoder's own threads
        // cost memory each, and with frame threads each picture comes out as many pictures late as there are threads.
        if ww_has_property(decoder, "max-threads") != 0 { ww_set_int(decoder, "max-threads", 1) }
        guard let pad = gst_element_get_static_pad(decoder, "sink") else { return }
        defer { gst_object_unref(pad) }
        let made = DecoderGate(self, UnitFilter(mode, fps: fps), SampleShedding(fps: fps))
        self.gate.withLock { $0.gate = made }
        let gate = Unmanaged.passRetained(made).toOpaque()
        gst_pad_add_probe(
            pad, GST_PAD_PROBE_TYPE_BUFFER,
            { pad, info, user in
                guard let pad, let info, let user else { return GST_PAD_PROBE_OK }
                return Unmanaged<DecoderGate>.fromOpaque(user).takeUnretainedValue().probe(pad, info)
            }, gate, { user in if let user { Unmanaged<DecoderGate>.fromOpaque(user).release() } })
    }
}

private struct WeakGate {
    weak var gate: DecoderGate?
}

/// The probe at the input of one video decoder: drops, keeps or passes each coded picture.
// @unchecked: only touched by the pad's streaming thread, which holds the pad's stream lock
private final class DecoderGate: @unchecked Sendable {
    private var filter: UnitFilter
    private var shedding: SampleShedding
    private var isPassing = false
    /// The last keyframe and the coded pictures after it, while they may still have to be decoded; owned references.
    private var held: [UnsafeMutablePointer<GstBuffer>] = []
    /// The time at which the decoder was last given a coded picture.
    private var passed = ContinuousClock.now
    /// The time from which arrival times of coded pictures are counted.
    private let opened = ContinuousClock.now
    private let tap: DecoderTap
    private let copier: UnitCopier?
    private var record: DecodingRecord { tap.record }

    init(_ tap: DecoderTap, _ filter: UnitFilter, _ shedding: SampleShedding) {
        self.tap = tap
        copier = tap.units.map { UnitCopier($0) }
        self.filter = filter
        self.shedding = shedding
    }

    deinit { for buffer in held { ww_unref_buffer(buffer) } }

    func probe(
        _ pad: UnsafeMutablePointer<GstPad>, _ info: UnsafeMutablePointer<GstPadProbeInfo>
    ) -> GstPadProbeReturn {
        // A unit that this probe passes on reaches the probe a second time.
        guard !isPassing, let buffer = ww_probe_buffer(info) else { return GST_PAD_PROBE_OK }
        copier?.take(buffer, pad)
        let stamp = buffer.pointee.pts != ww_no_time() ? buffer.pointee.pts : buffer.pointee.dts
        let time = stamp == ww_no_time() ? nil : Double(stamp) / 1e9
        let verdict = judge(isDelta: ww_is_delta(buffer) != 0, at: time, bytes: Int(gst_buffer_get_size(buffer)))
        switch verdict {
        case .drop:
            record.addSkipped(1)
            return GST_PAD_PROBE_DROP
        case .hold:
            held.append(ww_ref_buffer(buffer))
            return GST_PAD_PROBE_DROP
        case .passAndDrain:
            beginHolding(buffer)
            guard isWanted(keyframeAt: time) else { return GST_PAD_PROBE_DROP }
        case .pass: forgetHeld()
        case .passHeld: break
        }
        // The unit is passed on from here, so that the decoder can be drained at once and not only with the next unit,
        // and so that the time it takes can be measured.
        isPassing = true
        defer { isPassing = false }
        passed = .now
        ww_probe_set_flow(
            info, tap.turns?.take { pass(buffer, to: pad, verdict) } ?? pass(buffer, to: pad, verdict))
        return GST_PAD_PROBE_HANDLED
    }

    private func judge(isDelta: Bool, at time: Double?, bytes: Int = 0) -> UnitFilter.Verdict {
        tap.activity.heardUnit()
        let returns = filter.returns
        let verdict = filter.verdict(
            isDelta: isDelta, time: time, arrival: (ContinuousClock.now - opened) / .seconds(1),
            share: tap.share.value, bytes: bytes)
        if filter.returns > returns { record.addReturn() }
        record.setKeyframesOnly(filter.isKeyframesOnly)
        return verdict
    }

    var dropsDeltas: Bool { filter.dropsDeltas }
    var takesAll: Bool { !filter.isKeyframesOnly }

    func leaveOut(at time: Double?) {
        _ = judge(isDelta: true, at: time)
        record.addSkipped(1)
    }

    /// Gives the decoder a coded picture, and before it the kept ones if the verdict is `passHeld`.
    private func pass(
        _ buffer: UnsafeMutablePointer<GstBuffer>, to pad: UnsafeMutablePointer<GstPad>, _ verdict: UnitFilter.Verdict
    ) -> GstFlowReturn {
        let start = ThreadClock.nanoseconds
        if verdict == .passHeld {
            // The chain takes the references. The decoder was drained after the keyframe, so it gets that one again.
            for unit in held { gst_pad_chain(pad, unit) }
            held = []
        }
        let flow = gst_pad_chain(pad, buffer)
        // This event means that the picture stands still: GstVideoDecoder outputs all that it holds, and expects a
        // keyframe.
        if verdict == .passAndDrain { gst_pad_send_event(pad, gst_video_event_new_still_frame(1)) }
        record.addDecoding(nanoseconds: ThreadClock.nanoseconds - start)
        return flow
    }

    /// Returns true if a keyframe that no other picture needs is decoded.
    ///
    /// It is decoded if it is due to be sampled, and is not left out because of overload.
    private func isWanted(keyframeAt time: Double?) -> Bool {
        guard let time else { return true }
        switch shedding.verdict(onKeyframeAt: time, isSparse: !filter.isIntra, share: tap.share.value) {
        case .keep: return true
        case .leaveOut:
            record.addShed()
            tap.activity.sampledPicture()
        case .notDue: break
        }
        record.addSkipped(1)
        tap.activity.leftPictureOut(since: passed)
        return false
    }

    /// Keeps a new keyframe in place of the pictures kept before it, if they may still have to be decoded.
    private func beginHolding(_ keyframe: UnsafeMutablePointer<GstBuffer>) {
        forgetHeld()
        if filter.mayAskForHeld { held.append(ww_ref_buffer(keyframe)) }
    }

    /// Releases the coded pictures that were kept, and counts all but keyframes as skipped.
    private func forgetHeld() {
        guard !held.isEmpty else { return }
        record.addSkipped(UInt64(held.count(where: { ww_is_delta($0) != 0 })))
        for buffer in held { ww_unref_buffer(buffer) }
        held = []
    }
}
