import CGStreamer
import Sampling
import StreamSources
import Synchronization

/// Probes before the video decoders of a live pipeline: they drop units that need not be decoded, and limit threads.
///
/// After a keyframe whose delta units are dropped, the decoder is drained. Otherwise it would hold the picture back
/// until it knows that no earlier one follows: with B-frames, for as many keyframes as it may reorder.
// @unchecked: nothing changes but through `record`, which is safe
final class DecoderTap: @unchecked Sendable {
    private let mode: DecodeMode
    private let fps: Double
    fileprivate let record: DecodingRecord
    fileprivate let activity: SourceActivity
    fileprivate let share: SamplingShare
    fileprivate let turns: DecodingTurns?
    fileprivate let units: (any UnitTaker)?
    private let order = HappensBefore()
    /// The gate of the decoder that was found last.
    private let gate = Mutex(WeakGate())

    /// `turns` limits how many streams decode at once; nil where pictures wait for their time after decoding.
    ///
    /// `units` gets a copy of each unit before any is dropped.
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

    /// Watches for decoders; the pipeline must not outlive the tap.
    func attach(to pipeline: Pipeline) {
        order.pass()
        ww_watch_elements(
            pipeline.element,
            { _, _, element, user in
                guard let element, let user, ww_is_video_decoder(element) != 0 else { return }
                Unmanaged<DecoderTap>.fromOpaque(user).takeUnretainedValue().found(element)
            }, Unmanaged.passUnretained(self).toOpaque())
    }

    /// Whether units that need others are dropped now, whatever they hold.
    ///
    /// Like `leaveOut`, for the streaming thread that gives the decoder its units.
    var dropsDeltas: Bool { gate.withLock { $0.gate }?.dropsDeltas ?? false }

    /// Whether units are recorded now, so that none may be left out.
    var wantsUnits: Bool { units?.isWanted ?? false }

    /// Whether the decoder gets all units.
    var takesAll: Bool { gate.withLock { $0.gate }?.takesAll ?? false }

    /// Records a unit that would be dropped, and was never made.
    func leaveOut(at time: Double?) { gate.withLock { $0.gate }?.leaveOut(at: time) }

    private func found(_ decoder: UnsafeMutablePointer<GstElement>) {
        order.take()
        // One thread a camera: cameras are many and fill the cores by their number, while a decoder's own threads cost
        // memory each, and with threads by frame a picture comes out as many units late as there are threads.
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

/// The probe of one decoder's sink pad.
// @unchecked: only touched by the pad's streaming thread, which holds the pad's stream lock
private final class DecoderGate: @unchecked Sendable {
    private var filter: UnitFilter
    private var shedding: SampleShedding
    private var isPassing = false
    /// The last keyframe and the units after it, while the filter may ask for them; the references are owned.
    private var held: [UnsafeMutablePointer<GstBuffer>] = []
    /// The time at which the decoder last got a unit.
    private var passed = ContinuousClock.now
    /// The origin of the units' arrival times.
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
        // A unit that is passed on from here comes by again.
        guard !isPassing, let buffer = ww_probe_buffer(info) else { return GST_PAD_PROBE_OK }
        copier?.take(buffer, pad)
        let stamp = buffer.pointee.pts != ww_no_time() ? buffer.pointee.pts : buffer.pointee.dts
        let time = stamp == ww_no_time() ? nil : Double(stamp) / 1e9
        let verdict = judge(isDelta: ww_is_delta(buffer) != 0, at: time)
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
        // Passed on here, so that draining follows at once (not when the next unit comes), and the time it takes is
        // known.
        isPassing = true
        defer { isPassing = false }
        passed = .now
        ww_probe_set_flow(
            info, tap.turns?.take { pass(buffer, to: pad, verdict) } ?? pass(buffer, to: pad, verdict))
        return GST_PAD_PROBE_HANDLED
    }

    private func judge(isDelta: Bool, at time: Double?) -> UnitFilter.Verdict {
        tap.activity.heardUnit()
        let returns = filter.returns
        let verdict = filter.verdict(
            isDelta: isDelta, time: time, arrival: (ContinuousClock.now - opened) / .seconds(1),
            share: tap.share.value)
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

    /// Gives the decoder a unit, and before it the held units if the verdict asks for them.
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
        // "The picture stands still": GstVideoDecoder gives out all it holds, and expects a keyframe.
        if verdict == .passAndDrain { gst_pad_send_event(pad, gst_video_event_new_still_frame(1)) }
        record.addDecoding(nanoseconds: ThreadClock.nanoseconds - start)
        return flow
    }

    /// Whether to decode a keyframe that no later picture needs: not if it is no sample, or is shed under overload.
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

    /// Holds a new keyframe in place of the units before it, if the filter may ask for it.
    private func beginHolding(_ keyframe: UnsafeMutablePointer<GstBuffer>) {
        forgetHeld()
        if filter.mayAskForHeld { held.append(ww_ref_buffer(keyframe)) }
    }

    /// Drops the held units after a new keyframe, and counts them as skipped, all but the keyframe.
    private func forgetHeld() {
        guard !held.isEmpty else { return }
        record.addSkipped(UInt64(held.count(where: { ww_is_delta($0) != 0 })))
        for buffer in held { ww_unref_buffer(buffer) }
        held = []
    }
}
