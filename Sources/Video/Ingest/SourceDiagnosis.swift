import CGStreamer
import Containers
import StreamSources
import Synchronization

/// Explains why a source failed, in a message without its secrets, and records whether its data is damaged.
final class SourceDiagnosis: Sendable {
    let description: SourceDescription
    let secrets: SourceSecrets
    let probe = ConnectionProbe()
    private let database: TLSDatabase?
    private let tap: FrameTap
    private let activity: SourceActivity
    private let hasBadData = Atomic(false)

    /// Makes a diagnosis; `database` has the TLS certificates that are trusted instead of the system's authorities.
    init(
        _ description: SourceDescription, secrets: SourceSecrets, database: TLSDatabase?, tap: FrameTap,
        activity: SourceActivity
    ) {
        (self.description, self.secrets, self.database) = (description, secrets, database)
        (self.tap, self.activity) = (tap, activity)
    }

    /// True if the source failed because of its data, and not because it could not be reached.
    var isBadData: Bool { hasBadData.load(ordering: .acquiring) }
    /// The source's URI without secrets, which names it in error messages.
    var shown: String { SourceURI.redacted(description.uri) }
    /// The result of reading the headers of the source's file; nil if the source is not a local file.
    var filmFile: FilmFile? {
        description.launch == nil ? SourcePath(description.uri).flatMap { FilmFile($0) } : nil
    }

    private static let noVideo = "it has no video track that can be decoded"

    /// Returns the error message for a source that has ended; nil if it ended normally.
    func problemAtEnd(_ film: FilmFile?) -> String? {
        guard let why = lacking(film) else { return nil }
        hasBadData.store(true, ordering: .releasing)
        return "\(shown): \(why)"
    }

    private func lacking(_ film: FilmFile?) -> String? {
        guard tap.sawVideo else { return film?.cut ?? Self.noVideo }
        guard activity.heard.picture != nil, description.clip != nil || tap.sampledFrames > 0 else {
            return film?.cut ?? "not one picture of it could be decoded: it is damaged, or has no keyframe"
        }
        // CLIP4Clip's loaders use the frames that a truncated clip has.
        guard description.clip == nil, !description.loop else { return nil }
        return film?.cut.map { "\($0); what there is of it was played" }
    }

    /// Returns the error message for a source that failed with this error of GStreamer.
    ///
    /// It may connect to the server to find the cause, and block for some seconds; `probe.cancel()` ends that.
    func failure(_ report: SourceReport) -> String {
        let noVideo =
            !tap.sawVideo
            && ["no-more-pads", "No streams to output", "can't be linked", "not-linked"].contains {
                report.plain.contains($0)
            }
        if noVideo || report.isOfContent && !sourceFailure.isOfServer(report) {
            hasBadData.store(true, ordering: .releasing)
        }
        if !tap.sawVideo, let cut = filmFile?.cut { return "\(shown): \(cut)" }
        return noVideo ? "\(shown): \(Self.noVideo)" : "\(shown): \(why(report))"
    }

    /// Removes the first unread error from the pipeline's bus and returns its message; nil if there is none.
    ///
    /// It may connect to the server to find the cause, and block for some seconds; `probe.cancel()` ends that.
    func pendingError(_ pipeline: Pipeline) -> String? {
        guard let bus = gst_element_get_bus(pipeline.element) else { return nil }
        defer { gst_object_unref(bus) }
        guard let message = gst_bus_pop_filtered(bus, GST_MESSAGE_ERROR) else { return nil }
        defer { ww_unref_message(message) }
        return SourceEvent.cut(why(SourceReport(message)))
    }

    private func why(_ report: SourceReport) -> String {
        secrets.hidden(in: sourceFailure.sentence(report) { probe.run($0, trusting: database) })
    }

    private var sourceFailure: SourceFailure {
        let heard = activity.heard
        return SourceFailure(
            uri: description.uri, hasCredentials: description.credentials != nil,
            wasHeard: heard.anything != nil || heard.picture != nil)
    }
}
