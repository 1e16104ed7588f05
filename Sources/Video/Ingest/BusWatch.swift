import CGStreamer
import Containers
import StreamSources
import SystemSupport

/// Reads the GStreamer bus of one pipeline of a source, on the source's own thread, and reports events.
struct BusWatch {
    /// The reason why reading the bus ended.
    enum Outcome {
        /// The source has ended, has failed or was stopped.
        case isOver
        /// Another pipeline must play the source, such as one for a stream instead of one for single pictures.
        case isExchanged
    }

    private let pipeline: Pipeline
    private let diagnosis: SourceDiagnosis
    private let tap: FrameTap
    private let activity: SourceActivity
    private let patience: Duration?
    private let isLive: Bool
    /// True once the pipeline has reported that the source is live, so it has no end.
    private var isFoundLive = false
    private let isStopping: () -> Bool
    private let onEvent: (SourceEvent) -> Void
    private var end: SourceEnd
    private var mayTurnToUDP: Bool
    private var progress: ProgressWatch
    /// The pause that the server asked for before the next attempt (`Retry-After`); nil if it asked for none.
    private var askedPause: Duration?

    private var description: SourceDescription { diagnosis.description }
    private var shown: String { diagnosis.shown }

    /// Makes a reader of the bus.
    ///
    /// `patience` is the time without progress after which the source fails; nil means no limit.
    init(
        _ pipeline: Pipeline, _ diagnosis: SourceDiagnosis, tap: FrameTap, activity: SourceActivity, end: SourceEnd,
        isLive: Bool, mayTurnToUDP: Bool, patience: Duration?, isStopping: @escaping () -> Bool,
        onEvent: @escaping (SourceEvent) -> Void
    ) {
        (self.pipeline, self.diagnosis, self.tap, self.activity) = (pipeline, diagnosis, tap, activity)
        (self.end, self.isLive, self.mayTurnToUDP, self.patience) = (end, isLive, mayTurnToUDP, patience)
        (self.isStopping, self.onEvent) = (isStopping, onEvent)
        progress = ProgressWatch(limit: patience ?? ProgressWatch.usual, at: .now)
    }

    /// Reads bus messages until the source is over or another pipeline must play it.
    mutating func run() -> Outcome {
        guard let bus = gst_element_get_bus(pipeline.element) else { return .isOver }
        defer { gst_object_unref(bus) }
        while !isStopping() {
            let message = gst_bus_timed_pop(bus, end.isAsked ? 100_000_000 : 40_000_000)
            defer { if let message { ww_unref_message(message) } }
            guard learnEnd() else { return .isOver }
            if let message {
                if let outcome = outcome(of: message) { return outcome }
            } else if let why = standstill() {
                onEvent(.failed(why))
                return .isOver
            }
        }
        return .isOver
    }

    /// Handles one message of the pipeline's bus; returns nil if reading goes on, else the reason why it ends.
    private mutating func outcome(of message: UnsafeMutablePointer<GstMessage>) -> Outcome? {
        switch ww_message_type(message) {
        case GST_MESSAGE_EOS: return ended()
        case GST_MESSAGE_ERROR: return failed(SourceReport(message))
        case GST_MESSAGE_ELEMENT:
            guard let header = ww_retry_after(message) else { return nil }
            defer { g_free(header) }
            askedPause = RetryAfter.seconds(String(cString: header)).map { .seconds($0) }
        case GST_MESSAGE_WARNING:
            let report = SourceReport(message, gst_message_parse_warning)
            // This warning comes also for every track that is no video.
            if !report.isDelayedLink { onEvent(.warning(diagnosis.secrets.hidden(in: report.plain))) }
        case GST_MESSAGE_APPLICATION where SnapshotFeed.isAnswer(message, of: description.uri): return .isExchanged
        case GST_MESSAGE_APPLICATION where PacketFeed.isUnusual(message): return .isExchanged
        default: break
        }
        return nil
    }

    /// Handles the end of the stream; returns nil if the source plays again from its start (`loop`).
    private func ended() -> Outcome? {
        let film = diagnosis.filmFile
        if let why = diagnosis.problemAtEnd(film) {
            onEvent(.failed(why))
            return .isOver
        }
        if let animation = film?.animation { onEvent(.warning(FilmFile.sentence(animation: animation))) }
        guard description.loop else {
            onEvent(.endOfStream)
            return .isOver
        }
        tap.beginAgain()
        guard ww_seek_to_start(pipeline.element) != 0 else {
            onEvent(.failed("\(shown): it cannot be played again from its start"))
            return .isOver
        }
        return nil
    }

    /// Handles an error message of GStreamer; returns nil if the source is opened again over UDP.
    private mutating func failed(_ report: SourceReport) -> Outcome? {
        if mayTurnToUDP, RTSPTransport.isRefused(report) {
            mayTurnToUDP = false
            turnToUDP()
            return nil
        }
        let why = diagnosis.failure(report)
        onEvent(askedPause.map { .busy(why, $0) } ?? .failed(why))
        return .isOver
    }

    /// Opens an RTSP source again over UDP, because the camera refused TCP.
    private func turnToUDP() {
        gst_element_set_state(pipeline.element, GST_STATE_NULL)
        RTSPTransport.udp.apply(to: pipeline.element)
        gst_element_set_state(pipeline.element, GST_STATE_PLAYING)
        // A call of `stop` meanwhile waits for this thread, so the pipeline is stopped here.
        if isStopping() { gst_element_set_state(pipeline.element, GST_STATE_NULL) }
    }

    /// Asks the pipeline whether the source is live, and acts on the answer; returns false if the source has failed.
    private mutating func learnEnd() -> Bool {
        switch end.ask(pipeline, sawVideo: tap.sawVideo) {
        case nil: return true
        case .live(let inBursts):
            isFoundLive = true
            tap.becomeLive()
            // Live pictures are shown on arrival: timed by the clock, they would fall behind a sender whose clock is
            // fast.
            ww_set_int(pipeline.sink, "sync", 0)
            ww_set_int(pipeline.sink, "drop", inBursts ? 0 : 1)
            onEvent(.live(inBursts: inBursts))
        case .camera:
            isFoundLive = true
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

    /// Returns the error message for a source without progress that reports no error; nil to go on.
    private mutating func standstill() -> String? {
        guard let patience else { return nil }
        if let why = frozenTime(patience) { return "\(shown): \(why)" }
        // A file that is played in real time may show one picture for long.
        let hasPlayed = activity.heard.picture != nil
        guard !description.realtime || !hasPlayed else { return nil }
        let isRunning = isLive || hasPlayed || ww_running_tasks(pipeline.element) > 0
        let seen = progress.observe(
            tap.meter.progress, isHeld: tap.meter.isHeld, isRunning: isRunning, at: .now)
        guard seen != .goesOn else { return nil }
        if !hasPlayed, let noted = pipeline.notedError() {
            defer { ww_unref_message(noted) }
            return diagnosis.failure(SourceReport(noted))
        }
        let what = hasPlayed ? "no further picture" : "no picture"
        let wait = seen == .isIdle ? "" : " for \(Int((patience / .seconds(1)).rounded())) s"
        return isLive
            ? "\(shown): nothing has come of it\(wait), and no error; check the camera and the network"
            : "\(shown): \(what), no end and no error come of it\(wait); "
                + "it is damaged, or of a kind that cannot be played"
    }

    /// Returns the error message for a live source whose time stamps stand still; nil to go on, and for films.
    private func frozenTime(_ patience: Duration) -> String? {
        guard isLive || isFoundLive, let since = activity.heard.unsampled else { return nil }
        let frozen = StreamSupervision.frozenTime(after: patience, interval: .seconds(1 / description.fps))
        return .now - since >= frozen.most ? frozen.why : nil
    }
}
