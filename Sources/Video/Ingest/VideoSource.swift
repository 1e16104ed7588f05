import CGStreamer
import Containers
import Foundation
package import Sampling
package import StreamSources
import Synchronization
import World

/// Plays a video source by a GStreamer pipeline, and delivers its sampled frames and its events.
///
/// Frames are delivered on a streaming thread of GStreamer, events mostly on the source's own bus thread.
// @unchecked: `lock` guards `pipeline`, `thread`, `otherRecipe`, `feed` and `packets`
package final class VideoSource: @unchecked Sendable {
    package let description: SourceDescription
    /// The source's kind (live, remote or file) as its URI suggests it; its pipeline may later report that it is live.
    package let kind: StreamSupervision.Source
    /// True if the source is known to be live before it is opened.
    package var isLive: Bool { kind == .live }
    private let end: SourceEnd
    /// The TLS certificates that are trusted instead of the system's authorities; nil means the authorities.
    private let database: TLSDatabase?
    private let recipe: PipelineTemplates.Recipe
    /// The pipeline to use instead if the server sends a stream where a single picture was expected, or the reverse.
    private var otherRecipe: PipelineTemplates.Recipe?
    /// The object that downloads the pictures of a snapshot source one by one; nil for other sources.
    private var feed: SnapshotFeed?
    /// The object that receives a camera's RTP packets; nil if GStreamer's `rtspsrc` does that.
    private var packets: PacketFeed?
    /// The generated film of a `shapes://` source; nil for other sources.
    private let film: Film?
    private let diagnosis: SourceDiagnosis
    /// The times at which the source last delivered coded data and pictures.
    package let activity = SourceActivity()
    private let tap: FrameTap
    private let decoderTap: DecoderTap?
    private let unitTap: UnitTap?
    private let onEvent: @Sendable (SourceEvent) -> Void
    private let lock = NSLock()
    private var pipeline: Pipeline?
    private var thread: Thread?
    private let stopping = Atomic(false)
    private let stopped = DispatchSemaphore(value: 0)
    /// The time without progress after which the source fails; nil if the caller checks progress itself.
    private let patience: Duration?

    /// Makes a source; throws if its settings, its credentials or its pipeline template cannot be used.
    ///
    /// `onFrame` is called on a streaming thread. For a file it may block, which delays only that file; for a live
    /// source it must return at once. `decoding` counts what is decoded, and `share` is the share of sampled frames
    /// that a live source keeps under overload. `wasLive` says that the source was live when it was opened earlier;
    /// pictures that `memory` knows from earlier openings are left out. `units` gets copies of the coded
    /// pictures, from when the source is known to be live.
    package init(
        _ description: SourceDescription, templates: PipelineTemplates, decoding: DecodingRecord = DecodingRecord(),
        share: SamplingShare = SamplingShare(), patience: Duration? = ProgressWatch.usual,
        wasLive: Bool = false, memory: UnitMemory? = nil, units: (any UnitTaker)? = nil,
        onFrame: @escaping @Sendable (Frame) -> Void, onEvent: @escaping @Sendable (SourceEvent) -> Void
    ) throws(SourceError) {
        guard description.fps > 0, description.fps.isFinite else {
            throw SourceError("\(SourceURI.redacted(description.uri)): fps must be above 0")
        }
        try description.policy?.check(description)
        let credentials = try description.credentials.map { name throws(SourceError) in
            try SourceCredentials(named: name)
        }
        recipe = try templates.recipe(description, credentials: credentials)
        otherRecipe = templates.otherRecipe(than: recipe, description, credentials: credentials)
        database = try description.trust.map { trust throws(SourceError) in try trust.database() }
        let template = recipe.template
        self.description = description
        film = template == "shapes" ? try PictureFeed.film(description.uri) : nil
        let isLive = SourceEnd.isKnownLive(description, template: template)
        end = SourceEnd(isKnownLive: isLive && !description.realtime, wasLive: wasLive)
        kind = isLive ? .live : template == "http" ? .remote : .file
        let bounded: @Sendable (SourceEvent) -> Void = { onEvent($0.bounded) }
        self.onEvent = bounded
        self.patience = patience
        tap = FrameTap(
            description, isLive: isLive, memory: isLive ? nil : memory,
            keepsTime: SourceEnd.clockTemplates.contains(template) || description.realtime, decoding: decoding,
            activity: activity, share: share, onFrame: onFrame, onEvent: bounded)
        let secrets = SourceSecrets(
            [description.uri, description.launch ?? ""], known: credentials?.secrets ?? [])
        diagnosis = SourceDiagnosis(
            description, secrets: secrets, database: database, tap: tap, activity: activity)
        let tap = tap
        unitTap = isLive ? nil : memory.map { UnitTap($0, units: units) { tap.isFoundLive } }
        decoderTap =
            isLive
            ? DecoderTap(
                description.decode, fps: description.fps, record: decoding, activity: activity, share: share,
                turns: description.realtime ? nil : .all, units: units) : nil
    }

    deinit { stop() }

    package var sampledFrames: UInt64 { tap.sampledFrames }
    /// The number of sampled frames that had not changed enough since an earlier one, so that none was embedded anew.
    package var gatedFrames: UInt64 { tap.gatedFrames }
    /// The number of frames of a short film that were sampled so far, whether `ClipFrames.wanted` names them or not.
    package var clipFrames: Int { tap.clipFrames }
    /// True if the source failed because of its data, and not because it could not be reached.
    package var isBadData: Bool { diagnosis.isBadData }
    /// The format of the video that plays; nil before its first picture, and once it was stopped.
    package var format: SourceFormat? { lock.withLock { pipeline }?.format }
    private var shown: String { diagnosis.shown }
    private var secrets: SourceSecrets { diagnosis.secrets }

    /// Starts playing the source; failures after that are reported as events.
    ///
    /// It blocks for as long as the device or server needs; `stop` interrupts it where GStreamer allows that.
    package func start() throws(SourceError) {
        if let why = diagnosis.filmFile?.refusal { throw SourceError("\(shown): \(why)", isBadData: true) }
        let made = try prepared(recipe)
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
            let why = diagnosis.pendingError(made) ?? "GStreamer cannot play it"
            let packets = lock.withLock {
                pipeline = nil
                self.thread = nil
                return self.packets
            }
            packets?.cancel()
            gst_element_set_state(made.element, GST_STATE_NULL)
            // A call of `stop` meanwhile must not wait for the bus thread, which never ran.
            stopped.signal()
            throw SourceError("\(shown): \(why)")
        }
        // A call of `stop` meanwhile waits for the bus thread, so the pipeline is stopped here.
        if stopping.load(ordering: .acquiring) { gst_element_set_state(made.element, GST_STATE_NULL) }
        thread.start()
        lock.withLock { feed }?.start()
    }

    /// Makes a pipeline from a launch line and adds all probes and feeds to it, so that it is ready to play.
    private func prepared(_ recipe: PipelineTemplates.Recipe) throws(SourceError) -> Pipeline {
        let made: Pipeline
        do { made = try Pipeline(recipe, policy: description.policy, shown: shown) } catch {
            throw SourceError(secrets.hidden(in: error.description))
        }
        // A file played in real time follows the clock; pictures of all other sources are used on arrival.
        ww_set_int(made.sink, "sync", description.realtime ? 1 : 0)
        ww_set_int(made.sink, "max-buffers", 1)
        ww_set_int(made.sink, "drop", isLive ? 1 : 0)
        RTSPTransport.of(description)?.apply(to: made.element)
        if let database { made.trust(database) }
        if end.wasLive, !end.isAsked { tap.hold(true) }
        if let film { try PictureFeed(live: film).attach(to: made.element, shown: shown) }
        if recipe.template == "snapshot" {
            let feed = snapshotFeed(recipe, for: made)
            try feed.attach(to: made.element, shown: shown)
            tap.repeatsPictures()
            lock.withLock { self.feed = feed }
        } else if recipe.template == PacketFeed.template {
            let packets = PacketFeed(
                uri: recipe.uri ?? description.uri, database: database, tap: tap, decoderTap: decoderTap)
            try packets.attach(to: made.element, shown: shown)
            lock.withLock { self.packets = packets }
        } else if recipe.template == "http", lock.withLock({ otherRecipe }) != nil {
            HTTPAnswerWatch.attach(to: made.element)
        }
        tap.attach(to: made)
        MultipartTap.attach(to: made.element, times: tap.timeKeeping)
        if patience != nil {
            tap.meter.attach(to: made.element)
            made.noteErrors()
        }
        decoderTap?.attach(to: made)
        unitTap?.attach(to: made)
        return made
    }

    /// Stops the source, and returns when its streaming threads and its bus thread have ended.
    ///
    /// Further calls do nothing.
    package func stop() {
        let (pipeline, thread, feed, packets) = lock.withLock {
            stopping.store(true, ordering: .releasing)
            defer {
                self.pipeline = nil
                self.thread = nil
                self.packets = nil
            }
            return (self.pipeline, self.thread, self.feed, self.packets)
        }
        feed?.cancel()
        packets?.cancel()
        diagnosis.probe.cancel()
        guard let pipeline, thread != nil else { return }
        gst_element_set_state(pipeline.element, GST_STATE_NULL)
        packets?.close()
        if Thread.current !== thread { stopped.wait() }
    }

    /// Reads the pipeline's bus until the source is over; runs on the source's bus thread.
    private func watch(_ first: Pipeline) {
        defer { stopped.signal() }
        let isRTSP = recipe.template == "rtsp" || recipe.template == PacketFeed.template
        let mayTurnToUDP = RTSPTransport.of(description) ?? .auto == .auto && isRTSP
        var pipeline: Pipeline? = first
        while let current = pipeline {
            var bus = BusWatch(
                current, diagnosis, tap: tap, activity: activity, end: end, isLive: isLive, mayTurnToUDP: mayTurnToUDP,
                patience: patience, isStopping: { [self] in stopping.load(ordering: .acquiring) }, onEvent: onEvent)
            switch bus.run() {
            case .isOver: return
            case .isExchanged: pipeline = exchanged(current)
            }
        }
    }

    // MARK: Pictures one by one

    private func snapshotFeed(_ recipe: PipelineTemplates.Recipe, for pipeline: Pipeline) -> SnapshotFeed {
        let (secrets, onEvent) = (secrets, onEvent)
        return SnapshotFeed(
            description, uri: recipe.uri ?? description.uri, database: database, activity: activity,
            onWarning: { onEvent(.warning(secrets.hidden(in: $0))) },
            onEnd: { [weak self, weak pipeline] end in
                switch end {
                case .failed(let why): onEvent(.failed(secrets.hidden(in: why)))
                case .busy(let why, let seconds): onEvent(.busy(secrets.hidden(in: why), .seconds(seconds)))
                case .isStream(let why):
                    guard let self, let pipeline, lock.withLock({ otherRecipe }) != nil else {
                        return onEvent(.failed(secrets.hidden(in: why)))
                    }
                    ww_post_word(pipeline.element, SnapshotFeed.stream)
                }
            })
    }

    /// Replaces the pipeline by that of `otherRecipe`, which happens once; nil if that fails or `stop` was called.
    private func exchanged(_ old: Pipeline) -> Pipeline? {
        let (recipe, feed, packets) = lock.withLock {
            defer { (otherRecipe, self.feed, self.packets) = (nil, nil, nil) }
            return (otherRecipe, self.feed, self.packets)
        }
        feed?.cancel()
        packets?.cancel()
        gst_element_set_state(old.element, GST_STATE_NULL)
        packets?.close()
        do throws(SourceError) {
            guard let recipe else { throw SourceError("\(shown): it is now a picture, now a stream") }
            let made = try prepared(recipe)
            let isWanted = lock.withLock {
                guard !stopping.load(ordering: .acquiring) else { return false }
                pipeline = made
                return true
            }
            guard isWanted else { return nil }
            guard gst_element_set_state(made.element, GST_STATE_PLAYING) != GST_STATE_CHANGE_FAILURE else {
                throw SourceError("\(shown): \(diagnosis.pendingError(made) ?? "GStreamer cannot play it")")
            }
            if stopping.load(ordering: .acquiring) { gst_element_set_state(made.element, GST_STATE_NULL) }
            lock.withLock { self.feed }?.start()
            return made
        } catch {
            onEvent(.failed(error.description))
            return nil
        }
    }
}
