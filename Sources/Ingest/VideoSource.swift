import CGStreamer
import Foundation
import Synchronization
import World

/// One source of video: a GStreamer pipeline, sampled.
///
/// Frames come on GStreamer's streaming thread, events on the source's own bus thread.
// @unchecked: `lock` guards `pipeline`, `thread` and `stopping`
package final class VideoSource: @unchecked Sendable {
    package let description: SourceDescription
    /// What it is taken for until its pipeline says otherwise.
    package let kind: StreamSupervision.Source
    /// Whether it is known to be live before it is opened: then it is never held up.
    package var isLive: Bool { kind == .live }
    private let end: SourceEnd
    /// Whose certificates are trusted, where that is not this machine's authorities.
    private let database: TLSDatabase?
    private let recipe: PipelineTemplates.Recipe
    /// What `shapes://` shows.
    private let film: Film?
    private let secrets: SourceSecrets
    /// When anything was last received.
    package let pulse = SourcePulse()
    private let tap: FrameTap
    private let decoderTap: DecoderTap?
    private let unitTap: UnitTap?
    private let onEvent: @Sendable (SourceEvent) -> Void
    private let lock = NSLock()
    private var pipeline: Pipeline?
    private var thread: Thread?
    private let probe = ConnectionProbe()
    private let stopping = Atomic(false)
    private let stopped = DispatchSemaphore(value: 0)

    /// `onFrame` is called on a streaming thread: for a file it may wait, and holds up only that file's decoder; for a
    /// live source it must return at once.
    ///
    /// `decoding` is told what is decoded; a live source keeps `share` of its samples. `wasLive`: an earlier opening had
    /// no end; what `memory` has of earlier openings is not seen again.
    package init(
        _ description: SourceDescription, templates: PipelineTemplates, decoding: DecodingRecord = DecodingRecord(),
        share: SamplingShare = SamplingShare(), wasLive: Bool = false,
        memory: UnitMemory? = nil,
        onFrame: @escaping @Sendable (Frame) -> Void, onEvent: @escaping @Sendable (SourceEvent) -> Void
    ) throws(SourceError) {
        guard description.fps > 0, description.fps.isFinite else {
            throw SourceError("\(SourceURI.redacted(description.uri)): fps must be above 0")
        }
        try description.policy?.check(description)
        let credentials = try description.credentials.map { name throws(SourceError) in
            try SourceCredentials(named: name)
        }
        secrets = SourceSecrets(
            [description.uri, description.launch ?? ""], known: credentials?.secrets ?? [])
        recipe = try templates.recipe(description, credentials: credentials)
        database = try description.trust.map { trust throws(SourceError) in try trust.database() }
        let template = recipe.template
        self.description = description
        film = template == "shapes" ? try PictureFeed.film(description.uri) : nil
        let isLive = SourceEnd.isKnownLive(description, template: template)
        end = SourceEnd(isKnownLive: isLive && !description.realtime, wasLive: wasLive)
        kind = isLive ? .live : template == "http" ? .remote : .file
        self.onEvent = onEvent
        tap = FrameTap(
            description, isLive: isLive, memory: isLive ? nil : memory,
            keepsTime: SourceEnd.clockTemplates.contains(template) || description.realtime, decoding: decoding,
            pulse: pulse, share: share, onFrame: onFrame,
            onEvent: onEvent)
        unitTap = isLive ? nil : memory.map { UnitTap($0) }
        decoderTap =
            isLive
            ? DecoderTap(
                description.decode, fps: description.fps, record: decoding, pulse: pulse, share: share,
                turns: description.realtime ? nil : .all) : nil
    }

    deinit { stop() }

    package var sampledFrames: UInt64 { tap.sampledFrames }
    /// Sampled frames that showed nothing new.
    package var gatedFrames: UInt64 { tap.gatedFrames }
    /// Frames of a clip that its sampling took so far, wanted or not.
    package var clipFrames: Int { tap.clipFrames }
    private var shown: String { SourceURI.redacted(description.uri) }

    /// Starts playing.
    ///
    /// What goes wrong later comes as an event. May take as long as a device or a server does; `stop` ends it where
    /// GStreamer lets it.
    package func start() throws(SourceError) {
        let made: Pipeline
        do { made = try Pipeline(recipe, policy: description.policy, shown: shown) } catch {
            throw SourceError(secrets.hidden(in: error.description))
        }
        // A file played in real time follows the clock; all else is taken as it comes.
        ww_set_int(made.sink, "sync", description.realtime ? 1 : 0)
        ww_set_int(made.sink, "max-buffers", 1)
        ww_set_int(made.sink, "drop", isLive ? 1 : 0)
        RTSPTransport.of(description)?.apply(to: made.element)
        if let database { made.trust(database) }
        if end.wasLive, !end.isAsked { tap.hold(true) }
        if let film { try PictureFeed(live: film).attach(to: made.element, shown: shown) }
        tap.attach(to: made)
        decoderTap?.attach(to: made)
        unitTap?.attach(to: made)
        let thread = Thread { [self] in watch(made) }
        thread.name = "watchword.bus"
        let isWanted = lock.withLock {
            guard !stopping.load(ordering: .acquiring) else { return false }
            pipeline = made
            self.thread = thread
            return true
        }
        guard isWanted else { throw SourceError("\(shown): it was stopped before it started") }
        guard gst_element_set_state(made.element, GST_STATE_PLAYING) != GST_STATE_CHANGE_FAILURE else {
            let why = pendingError(made) ?? "GStreamer cannot play it"
            lock.withLock {
                pipeline = nil
                self.thread = nil
            }
            gst_element_set_state(made.element, GST_STATE_NULL)
            // There is no thread for a `stop` that came meanwhile to wait for.
            stopped.signal()
            throw SourceError("\(shown): \(why)")
        }
        thread.start()
    }

    /// Stops; returns when the streaming threads have.
    ///
    /// Calling it again does nothing.
    package func stop() {
        let (pipeline, thread) = lock.withLock {
            stopping.store(true, ordering: .releasing)
            defer {
                self.pipeline = nil
                self.thread = nil
            }
            return (self.pipeline, self.thread)
        }
        probe.cancel()
        guard let pipeline, thread != nil else { return }
        gst_element_set_state(pipeline.element, GST_STATE_NULL)
        if Thread.current !== thread { stopped.wait() }
    }

    /// The bus thread: turns GStreamer's messages into events.
    private func watch(_ pipeline: Pipeline) {
        defer { stopped.signal() }
        guard let bus = gst_element_get_bus(pipeline.element) else { return }
        defer { gst_object_unref(bus) }
        var end = end
        var mayTurn = mayTurnToUDP
        while !stopping.load(ordering: .acquiring) {
            let message = gst_bus_timed_pop(bus, end.isAsked ? 100_000_000 : 40_000_000)
            defer { if let message { ww_unref_message(message) } }
            guard learn(&end, of: pipeline) else { return }
            guard let message else { continue }
            switch ww_message_type(message) {
            case GST_MESSAGE_EOS:
                guard tap.sawVideo else {
                    onEvent(.failed("\(shown): it has no video track that can be decoded"))
                    return
                }
                guard description.loop else {
                    onEvent(.endOfStream)
                    return
                }
                tap.beginAgain()
                guard ww_seek_to_start(pipeline.element) != 0 else {
                    onEvent(.failed("\(shown): it cannot be played again from its start"))
                    return
                }
            case GST_MESSAGE_ERROR:
                if mayTurn, RTSPTransport.isRefused(SourceReport(message)) {
                    mayTurn = false
                    turnToUDP(pipeline)
                    continue
                }
                onEvent(.failed(failure(message)))
                return
            case GST_MESSAGE_ELEMENT:
                guard let header = ww_retry_after(message) else { continue }
                defer { g_free(header) }
                if let pause = RetryAfter.pause(String(cString: header)) { onEvent(.refused(pause: pause)) }
            case GST_MESSAGE_WARNING:
                onEvent(.warning(secrets.hidden(in: SourceReport(message, gst_message_parse_warning).plain)))
            default: break
            }
        }
    }

    /// Asks whether it has an end, and does what follows; false if nothing more is wanted of it.
    private func learn(_ end: inout SourceEnd, of pipeline: Pipeline) -> Bool {
        switch end.ask(pipeline, sawVideo: tap.sawVideo) {
        case nil: return true
        case .live(let inBursts):
            tap.becomeLive()
            // What comes as it is made is taken as it comes, or it falls behind a sender whose clock is fast.
            ww_set_int(pipeline.sink, "sync", 0)
            ww_set_int(pipeline.sink, "drop", inBursts ? 0 : 1)
            onEvent(.live(inBursts: inBursts))
        case .camera:
            tap.becomeLive()
            ww_set_int(pipeline.sink, "drop", 1)
            onEvent(.live(inBursts: false))
        case .finite(let isOver):
            guard !isOver || description.realtime else {
                onEvent(.failed("\(shown): it has an end now, and has been seen; it is live no more"))
                return false
            }
        }
        tap.hold(false)
        return true
    }

    private var mayTurnToUDP: Bool { RTSPTransport.of(description) ?? .auto == .auto && recipe.template == "rtsp" }

    /// Opens it again, for packets by UDP: the camera takes no others.
    private func turnToUDP(_ pipeline: Pipeline) {
        gst_element_set_state(pipeline.element, GST_STATE_NULL)
        RTSPTransport.udp.apply(to: pipeline.element)
        gst_element_set_state(pipeline.element, GST_STATE_PLAYING)
        // Whoever stopped it meanwhile waits for this thread.
        if stopping.load(ordering: .acquiring) { gst_element_set_state(pipeline.element, GST_STATE_NULL) }
    }

    private func failure(_ message: UnsafeMutablePointer<GstMessage>) -> String {
        let report = SourceReport(message)
        let noVideo =
            !tap.sawVideo
            && ["no-more-pads", "No streams to output", "can't be linked", "not-linked"].contains {
                report.plain.contains($0)
            }
        return noVideo ? "\(shown): it has no video track that can be decoded" : "\(shown): \(why(report))"
    }

    /// Why it failed, and what to do.
    ///
    /// May wait for a server; `stop` ends that.
    private func why(_ report: SourceReport) -> String {
        let heard = pulse.heard
        let failure = SourceFailure(
            uri: description.uri, hasCredentials: description.credentials != nil,
            wasHeard: heard.anything != nil || heard.picture != nil)
        return secrets.hidden(in: failure.sentence(report) { probe.run($0, trusting: database) })
    }

    private func pendingError(_ pipeline: Pipeline) -> String? {
        guard let bus = gst_element_get_bus(pipeline.element) else { return nil }
        defer { gst_object_unref(bus) }
        guard let message = gst_bus_pop_filtered(bus, GST_MESSAGE_ERROR) else { return nil }
        defer { ww_unref_message(message) }
        return why(SourceReport(message))
    }
}
