import CGStreamer
import Containers
import Foundation
package import Sampling
package import StreamSources
import Synchronization
import SystemSupport
import World

/// One source of video: a GStreamer pipeline, sampled.
///
/// Frames come on GStreamer's streaming thread, events on the source's own bus thread.
// @unchecked: `lock` guards `pipeline`, `thread`, `otherRecipe` and `feed`
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
    /// What plays it if its server answers with the other of a picture and a stream.
    private var otherRecipe: PipelineTemplates.Recipe?
    /// Fetches pictures one by one, where that is what the source is.
    private var feed: SnapshotFeed?
    /// What `shapes://` shows.
    private let film: Film?
    private let secrets: SourceSecrets
    /// When anything was last received.
    package let activity = SourceActivity()
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
    /// Without any progress it fails after so long; nil where somebody else watches over it.
    private let patience: Duration?
    private let hasBadData = Atomic(false)

    /// `onFrame` is called on a streaming thread: for a file it may wait, and holds up only that file's decoder; for a
    /// live source it must return at once.
    ///
    /// `decoding` is told what is decoded; a live source keeps `share` of its samples. `wasLive`: an earlier opening
    /// had no end; what `memory` has of earlier openings is not seen again.
    package init(
        _ description: SourceDescription, templates: PipelineTemplates, decoding: DecodingRecord = DecodingRecord(),
        share: SamplingShare = SamplingShare(), patience: Duration? = ProgressWatch.usual,
        wasLive: Bool = false, memory: UnitMemory? = nil,
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
        otherRecipe = templates.otherRecipe(than: recipe, description, credentials: credentials)
        database = try description.trust.map { trust throws(SourceError) in try trust.database() }
        let template = recipe.template
        self.description = description
        film = template == "shapes" ? try PictureFeed.film(description.uri) : nil
        let isLive = SourceEnd.isKnownLive(description, template: template)
        end = SourceEnd(isKnownLive: isLive && !description.realtime, wasLive: wasLive)
        kind = isLive ? .live : template == "http" ? .remote : .file
        self.onEvent = onEvent
        self.patience = patience
        tap = FrameTap(
            description, isLive: isLive, memory: isLive ? nil : memory,
            keepsTime: SourceEnd.clockTemplates.contains(template) || description.realtime, decoding: decoding,
            activity: activity, share: share, onFrame: onFrame,
            onEvent: onEvent)
        unitTap = isLive ? nil : memory.map { UnitTap($0) }
        decoderTap =
            isLive
            ? DecoderTap(
                description.decode, fps: description.fps, record: decoding, activity: activity, share: share,
                turns: description.realtime ? nil : .all) : nil
    }

    deinit { stop() }

    package var sampledFrames: UInt64 { tap.sampledFrames }
    /// Sampled frames that showed nothing new.
    package var gatedFrames: UInt64 { tap.gatedFrames }
    /// Frames of a clip that its sampling took so far, wanted or not.
    package var clipFrames: Int { tap.clipFrames }
    /// Whether it failed since what is in it is no good, and not since it is not there.
    package var isBadData: Bool { hasBadData.load(ordering: .acquiring) }
    /// What the file of a film says of itself, where it is one of this machine's.
    private var filmFile: FilmFile? {
        description.launch == nil ? SourcePath(description.uri).flatMap { FilmFile($0) } : nil
    }
    private var shown: String { SourceURI.redacted(description.uri) }

    /// Starts playing.
    ///
    /// What goes wrong later comes as an event. May take as long as a device or a server does; `stop` ends it where
    /// GStreamer lets it.
    package func start() throws(SourceError) {
        if let why = filmFile?.refusal { throw SourceError("\(shown): \(why)", isBadData: true) }
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
        lock.withLock { feed }?.start()
    }

    /// A pipeline that is ready to play.
    private func prepared(_ recipe: PipelineTemplates.Recipe) throws(SourceError) -> Pipeline {
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
        if recipe.template == "snapshot" {
            let feed = snapshotFeed(recipe, for: made)
            try feed.attach(to: made.element, shown: shown)
            tap.repeatsPictures()
            lock.withLock { self.feed = feed }
        } else if recipe.template == "http", lock.withLock({ otherRecipe }) != nil {
            HTTPAnswerWatch.attach(to: made.element)
        }
        tap.attach(to: made)
        MultipartTap.attach(to: made.element, times: tap.times)
        if patience != nil {
            tap.meter.attach(to: made.element)
            made.noteErrors()
        }
        decoderTap?.attach(to: made)
        unitTap?.attach(to: made)
        return made
    }

    /// Stops; returns when the streaming threads have.
    ///
    /// Calling it again does nothing.
    package func stop() {
        let (pipeline, thread, feed) = lock.withLock {
            stopping.store(true, ordering: .releasing)
            defer {
                self.pipeline = nil
                self.thread = nil
            }
            return (self.pipeline, self.thread, self.feed)
        }
        feed?.cancel()
        probe.cancel()
        guard let pipeline, thread != nil else { return }
        gst_element_set_state(pipeline.element, GST_STATE_NULL)
        if Thread.current !== thread { stopped.wait() }
    }

    /// The bus thread: turns GStreamer's messages into events.
    private func watch(_ first: Pipeline) {
        defer { stopped.signal() }
        var pipeline: Pipeline? = first
        while let current = pipeline { pipeline = isToBeExchanged(current) ? exchanged(current) : nil }
    }

    /// Turns messages into events until the source is over, or, which is true, another pipeline is for it.
    private func isToBeExchanged(_ pipeline: Pipeline) -> Bool {
        guard let bus = gst_element_get_bus(pipeline.element) else { return false }
        defer { gst_object_unref(bus) }
        var progress = ProgressWatch(limit: patience ?? ProgressWatch.usual, at: .now)
        var end = end
        var mayTurn = mayTurnToUDP
        var asked: Duration?
        while !stopping.load(ordering: .acquiring) {
            let message = gst_bus_timed_pop(bus, end.isAsked ? 100_000_000 : 40_000_000)
            defer { if let message { ww_unref_message(message) } }
            guard learn(&end, of: pipeline) else { return false }
            guard let message else {
                guard let why = standstill(&progress, pipeline) else { continue }
                onEvent(.failed(why))
                return false
            }
            switch ww_message_type(message) {
            case GST_MESSAGE_EOS:
                let film = filmFile
                if let why = lacking(film) {
                    hasBadData.store(true, ordering: .releasing)
                    onEvent(.failed("\(shown): \(why)"))
                    return false
                }
                if let animation = film?.animation {
                    onEvent(.warning(FilmFile.sentence(animation: animation)))
                }
                guard description.loop else {
                    onEvent(.endOfStream)
                    return false
                }
                tap.beginAgain()
                guard ww_seek_to_start(pipeline.element) != 0 else {
                    onEvent(.failed("\(shown): it cannot be played again from its start"))
                    return false
                }
            case GST_MESSAGE_ERROR:
                let report = SourceReport(message)
                if mayTurn, RTSPTransport.isRefused(report) {
                    mayTurn = false
                    turnToUDP(pipeline)
                    continue
                }
                let why = failure(report)
                onEvent(asked.map { .busy(why, $0) } ?? .failed(why))
                return false
            case GST_MESSAGE_ELEMENT:
                guard let header = ww_retry_after(message) else { continue }
                defer { g_free(header) }
                asked = RetryAfter.seconds(String(cString: header)).map { .seconds($0) }
            case GST_MESSAGE_WARNING:
                let report = SourceReport(message, gst_message_parse_warning)
                // Said of every track that is no video, too.
                guard !report.isDelayedLink else { continue }
                onEvent(.warning(secrets.hidden(in: report.plain)))
            case GST_MESSAGE_APPLICATION where SnapshotFeed.isAnswer(message, of: description.uri):
                return true
            default: break
            }
        }
        return false
    }

    /// What is wrong with a source that has come to its end; nil if nothing is.
    private func lacking(_ film: FilmFile?) -> String? {
        guard tap.sawVideo else { return film?.cut ?? Self.noVideo }
        guard activity.heard.picture != nil, description.clip != nil || tap.sampledFrames > 0 else {
            return film?.cut ?? "not one picture of it could be decoded: it is damaged, or has no keyframe"
        }
        // The reference's loaders take what there is of a clip.
        guard description.clip == nil, !description.loop else { return nil }
        return film?.cut.map { "\($0); what there is of it was played" }
    }

    /// Why it is given up, if nothing comes of it any more though nobody says so.
    private func standstill(_ progress: inout ProgressWatch, _ pipeline: Pipeline) -> String? {
        // A film that is played at its own speed may show one picture for long.
        let hasPlayed = activity.heard.picture != nil
        guard let patience, !description.realtime || !hasPlayed else { return nil }
        let isRunning = isLive || hasPlayed || ww_running_tasks(pipeline.element) > 0
        let seen = progress.observe(
            tap.meter.progress, isHeld: tap.meter.isHeld, isRunning: isRunning, at: .now)
        guard seen != .goesOn else { return nil }
        if !hasPlayed, let noted = pipeline.notedError() {
            defer { ww_unref_message(noted) }
            return failure(SourceReport(noted))
        }
        let what = hasPlayed ? "no further picture" : "no picture"
        let wait = seen == .isIdle ? "" : " for \(Int((patience / .seconds(1)).rounded())) s"
        return isLive
            ? "\(shown): nothing has come of it\(wait), and no error; check the camera and the network"
            : "\(shown): \(what), no end and no error come of it\(wait); "
                + "it is damaged, or of a kind that cannot be played"
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

    /// Plays the source by its other template, once; nil if it is not wanted any more, or cannot be played.
    private func exchanged(_ old: Pipeline) -> Pipeline? {
        let (recipe, feed) = lock.withLock {
            defer { (otherRecipe, self.feed) = (nil, nil) }
            return (otherRecipe, self.feed)
        }
        feed?.cancel()
        gst_element_set_state(old.element, GST_STATE_NULL)
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
                throw SourceError("\(shown): \(pendingError(made) ?? "GStreamer cannot play it")")
            }
            lock.withLock { self.feed }?.start()
            return made
        } catch {
            onEvent(.failed(error.description))
            return nil
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

    private func failure(_ report: SourceReport) -> String {
        let noVideo =
            !tap.sawVideo
            && ["no-more-pads", "No streams to output", "can't be linked", "not-linked"].contains {
                report.plain.contains($0)
            }
        if noVideo || report.isOfContent { hasBadData.store(true, ordering: .releasing) }
        if !tap.sawVideo, let cut = filmFile?.cut { return "\(shown): \(cut)" }
        return noVideo ? "\(shown): \(Self.noVideo)" : "\(shown): \(why(report))"
    }

    private static let noVideo = "it has no video track that can be decoded"

    /// Why it failed, and what to do.
    ///
    /// May wait for a server; `stop` ends that.
    private func why(_ report: SourceReport) -> String {
        let heard = activity.heard
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
