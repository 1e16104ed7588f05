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
    package let kind: StreamSupervision.Source
    /// Whether the source keeps its own time: then it is never held up.
    package var isLive: Bool { kind == .live }
    private let recipe: PipelineTemplates.Recipe
    /// What `shapes://` shows.
    private let film: Film?
    private let secrets: SourceSecrets
    /// When anything was last received.
    package let pulse = SourcePulse()
    private let tap: FrameTap
    private let decoderTap: DecoderTap?
    private let onEvent: @Sendable (SourceEvent) -> Void
    private let lock = NSLock()
    private var pipeline: Pipeline?
    private var thread: Thread?
    private let probe = ConnectionProbe()
    private let stopping = Atomic(false)
    private let stopped = DispatchSemaphore(value: 0)
    /// Without any progress it fails after so long; nil where somebody else watches over it.
    private let patience: Duration?

    /// `onFrame` is called on a streaming thread: for a file it may wait, and holds up only that file's decoder; for a
    /// live source it must return at once.
    ///
    /// `decoding` is told what is decoded; a live source keeps `share` of its samples.
    package init(
        _ description: SourceDescription, templates: PipelineTemplates, decoding: DecodingRecord = DecodingRecord(),
        share: SamplingShare = SamplingShare(), patience: Duration? = ProgressWatch.usual,
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
        let template = recipe.template
        self.description = description
        film = template == "shapes" ? try PictureFeed.film(description.uri) : nil
        let keepsTime = ["rtsp", "v4l2", "test", "shapes"].contains(template) || description.realtime
        kind = keepsTime ? .live : template == "http" ? .remote : .file
        self.onEvent = onEvent
        self.patience = patience
        tap = FrameTap(
            description, isLive: keepsTime, decoding: decoding, pulse: pulse, share: share, onFrame: onFrame,
            onEvent: onEvent)
        decoderTap =
            keepsTime
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
    /// What the file of a film says of itself, where it is one of this machine's.
    private var filmFile: FilmFile? {
        description.launch == nil ? SourceURI.file(description.uri).flatMap { FilmFile($0) } : nil
    }
    private var shown: String { SourceURI.redacted(description.uri) }

    /// Starts playing.
    ///
    /// What goes wrong later comes as an event. May take as long as a device or a server does; `stop` ends it where
    /// GStreamer lets it.
    package func start() throws(SourceError) {
        if let why = filmFile?.refusal { throw SourceError("\(shown): \(why)") }
        let made: Pipeline
        do { made = try Pipeline(recipe, policy: description.policy, shown: shown) } catch {
            throw SourceError(secrets.hidden(in: error.description))
        }
        // A file played in real time follows the clock; all else is taken as it comes.
        ww_set_int(made.sink, "sync", description.realtime ? 1 : 0)
        ww_set_int(made.sink, "max-buffers", 1)
        ww_set_int(made.sink, "drop", isLive ? 1 : 0)
        if let film { try PictureFeed(live: film).attach(to: made.element, shown: shown) }
        tap.attach(to: made)
        MultipartTap.attach(to: made.element, times: tap.times)
        PreviewTap.attach(to: made.element)
        tap.meter.attach(to: made.element)
        made.noteErrors()
        decoderTap?.attach(to: made)
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
        var progress = ProgressWatch(limit: patience ?? ProgressWatch.usual, at: .now)
        while !stopping.load(ordering: .acquiring) {
            guard let message = gst_bus_timed_pop(bus, 100_000_000) else {
                if let why = standstill(&progress, pipeline) {
                    onEvent(.failed(why))
                    return
                }
                continue
            }
            defer { ww_unref_message(message) }
            switch ww_message_type(message) {
            case GST_MESSAGE_EOS:
                let film = filmFile
                guard tap.sawVideo else {
                    onEvent(.failed("\(shown): it has no video track that can be decoded"))
                    return
                }
                guard pulse.heard.picture != nil, description.clip != nil || tap.sampledFrames > 0 else {
                    let why = film?.cut ?? "not one picture of it could be decoded: it is damaged, or has no keyframe"
                    onEvent(.failed("\(shown): \(why)"))
                    return
                }
                if let animation = film?.animation {
                    onEvent(.warning(FilmFile.sentence(animation: animation)))
                }
                // The reference's loaders take what there is of a clip.
                if let cut = film?.cut, description.clip == nil, !description.loop {
                    onEvent(.failed("\(shown): \(cut); what there is of it was played"))
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
                onEvent(.failed(failure(message)))
                return
            case GST_MESSAGE_WARNING:
                onEvent(.warning(secrets.hidden(in: SourceReport(message, gst_message_parse_warning).plain)))
            default: break
            }
        }
    }

    /// Why it is given up, if nothing comes of it any more though nobody says so.
    private func standstill(_ progress: inout ProgressWatch, _ pipeline: Pipeline) -> String? {
        // A film that is played at its own speed may show one picture for long.
        let hasPlayed = pulse.heard.picture != nil
        guard patience != nil, !description.realtime || !hasPlayed else { return nil }
        let isRunning = isLive || hasPlayed || ww_running_tasks(pipeline.element) > 0
        let seen = progress.observe(
            tap.meter.progress, isHeld: tap.meter.isHeld, isRunning: isRunning, at: .now)
        guard seen != .goesOn else { return nil }
        if !hasPlayed, let noted = pipeline.notedError() {
            defer { ww_unref_message(noted) }
            return failure(noted)
        }
        let what = hasPlayed ? "no further picture" : "no picture"
        let wait = seen == .isIdle ? "" : " for \(Int(((patience ?? ProgressWatch.usual) / .seconds(1)).rounded())) s"
        return isLive
            ? "\(shown): nothing has come of it\(wait), and no error; check the camera and the network"
            : "\(shown): \(what), no end and no error come of it\(wait); it is damaged, or of a kind that cannot be played"
    }

    private func failure(_ message: UnsafeMutablePointer<GstMessage>) -> String {
        let report = SourceReport(message)
        let noVideo =
            !tap.sawVideo
            && ["no-more-pads", "No streams to output", "can't be linked", "not-linked"].contains {
                report.plain.contains($0)
            }
        if !tap.sawVideo, let cut = filmFile?.cut { return "\(shown): \(cut)" }
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
        return secrets.hidden(in: failure.sentence(report) { probe.run($0) })
    }

    private func pendingError(_ pipeline: Pipeline) -> String? {
        guard let bus = gst_element_get_bus(pipeline.element) else { return nil }
        defer { gst_object_unref(bus) }
        guard let message = gst_bus_pop_filtered(bus, GST_MESSAGE_ERROR) else { return nil }
        defer { ww_unref_message(message) }
        return why(SourceReport(message))
    }
}
