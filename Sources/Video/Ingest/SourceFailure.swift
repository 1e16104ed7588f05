import CGStreamer
import Containers
import Foundation
package import StreamSources

/// Writes the error message for a failed source, with advice, from GStreamer's error.
///
/// If that error does not tell the cause, it connects to the server to find it.
package struct SourceFailure {
    let uri: String
    /// True if the source has credentials from a separate file.
    let hasCredentials: Bool
    /// True if the source had delivered data before it failed.
    let wasHeard: Bool

    package init(uri: String, hasCredentials: Bool, wasHeard: Bool) {
        (self.uri, self.hasCredentials, self.wasHeard) = (uri, hasCredentials, wasHeard)
    }

    private var server: ServerAddress? { ServerAddress(uri) }
    private var place: String { server?.description ?? "the server" }
    private var isHTTP: Bool { ["http", "https"].contains(SourceURI.scheme(uri) ?? "") }
    private var protocolName: String { isHTTP ? "HTTP" : "RTSP" }

    /// Returns the error message, without the source's name; `probe` connects to the server if the report is unclear.
    package func sentence(_ report: SourceReport, probe: (ServerAddress) -> ConnectionProbe.Outcome) -> String {
        if RTSPTransport.isRefused(report), SourceURI.scheme(uri)?.hasPrefix("rtsp") == true {
            return "\(place) does not send its packets so; leave the transport out, or choose another "
                + "(transport: tcp, udp, multicast or http)"
        }
        if let status = report.status { return answered(status, report) }
        if let server, let outcome = stated(report) ?? (isUnconnected(report) ? probe(server) : nil) {
            return connecting(outcome, report)
        }
        return talking(report) ?? local(report) ?? content(report) ?? report.plain
    }

    /// Returns true if the source failed before a server answered, and the report does not tell why.
    private func isUnconnected(_ report: SourceReport) -> Bool {
        if wasHeard { return false }
        if report.isResource(GST_RESOURCE_ERROR_OPEN_READ_WRITE) { return report.debug.contains("Failed to connect") }
        return isHTTP && report.isStream(GST_STREAM_ERROR_FAILED) && report.debug.contains("streaming stopped")
    }

    /// Returns the outcome of connecting to the server, if GStreamer's error names it; else nil.
    private func stated(_ report: SourceReport) -> ConnectionProbe.Outcome? {
        guard !wasHeard else { return nil }
        let text = report.sentence + " " + report.debug
        let known: [(String, ConnectionProbe.Outcome)] = [
            ("Connection refused", .refused), ("Name or service not known", .unresolved),
            ("Error resolving", .unresolved), ("No route to host", .unreachable),
            ("Network is unreachable", .unreachable), ("Connection timed out", .timedOut),
        ]
        return known.first { text.contains($0.0) }?.1
    }

    // MARK: Servers

    private func connecting(_ outcome: ConnectionProbe.Outcome, _ report: SourceReport) -> String {
        let host = server?.host ?? "the server"
        return switch outcome {
        case .unresolved:
            "the name \(host) is unknown: it cannot be resolved; check its spelling, and this machine's name server"
        case .noNameServer:
            "the name \(host) cannot be resolved: no name server answers; check this machine's network"
        case .refused:
            "\(place) refuses the connection: nothing listens there; check the port, and that the server is running"
        case .unreachable: "\(host) cannot be reached: there is no route to it; check the network"
        case .timedOut:
            "\(place) does not answer: the connection timed out; check the address, and that no firewall is between"
        case .badCertificate(let why, let fingerprint):
            "the TLS certificate of \(place) is not trusted: \(why); trust it alone by tls: {ca: FILE} or tls: "
                + "{fingerprint: sha256:\(fingerprint.isEmpty ? "…" : fingerprint)} of the stream, once that is known to be "
                + "its own, or add its authority to those of this machine (update-ca-certificates)"
        case .noTLS: "\(place) does not speak TLS; use \(isHTTP ? "http" : "rtsp")://, or the port that does"
        case .connected: isHTTP ? unanswered : "\(place) could not be connected to, though it can be now"
        case .notConnected: "\(place) cannot be connected to (\(report.plain))"
        }
    }

    private var unanswered: String {
        "\(place) takes the connection and gives no \(protocolName) answer, or one that leads nowhere; check the address"
    }

    private func answered(_ status: Int, _ report: SourceReport) -> String {
        let words = report.detail.flatMap { line in
            line.range(of: " (\(status))").map { String(line[..<$0.lowerBound]) }
        }
        let said = "(\(status)\(words.map { " \($0)" } ?? ""))"
        switch status {
        case 401, 407:
            return hasCredentials || server?.hasUser == true
                ? "\(place) refuses the user or the password \(said); check the credentials"
                : "\(place) wants a user and a password \(said); give it --credentials FILE with user:password"
        case 403: return "\(place) forbids it \(said); this user, or this machine, may not have the stream"
        case 404, 410: return "\(place) has no such stream \(said); check the path"
        case 453, 503: return "\(place) serves no more clients for now \(said); end others, or try again later"
        case 300..<400: return "\(place) sends its clients elsewhere \(said); use the address that it names"
        case 500...: return "\(place) has an error of its own \(said); look at its log, or restart it"
        default: return "\(place) refuses the request \(said); check the address"
        }
    }

    /// Returns the message for a server that breaks off or answers unexpectedly; nil for other failures.
    private func talking(_ report: SourceReport) -> String? {
        guard server != nil, report.isResource(GST_RESOURCE_ERROR_READ, GST_RESOURCE_ERROR_WRITE) else { return nil }
        if report.debug.contains("Timeout") {
            return "\(place) takes the connection and does not answer: the request timed out; "
                + "check that this is the \(protocolName) port, and that the server is not overloaded"
        }
        if report.debug.contains("Parse error") {
            return "what answers at \(place) does not speak \(protocolName); check the port"
        }
        if wasHeard { return "\(place) broke the connection off" }
        let tls = SourceURI.scheme(uri) == "rtsp" ? ", and whether it wants rtsps://" : ""
        return "\(place) closes the connection without an answer; check the port\(tls)"
    }

    // MARK: Files and devices

    private func local(_ report: SourceReport) -> String? {
        guard report.domain == .resource else { return nil }
        let isDevice = SourceURI.scheme(uri) == "v4l2"
        switch report.systemError {
        case "Permission denied":
            return isDevice
                ? "it may not be opened; add the user to the group video"
                : "it may not be read; check its owner and mode"
        case "No such file or directory": return isDevice ? "there is no such device" : "there is no such file"
        case "Device or resource busy": return "it is used by another program"
        case "Inappropriate ioctl for device": return "it is no camera"
        default: return report.systemError.map { "\(report.sentence) (\($0))" }
        }
    }

    /// Returns the message for data that cannot be decoded as video; nil for other failures.
    private func content(_ report: SourceReport) -> String? {
        if report.isStream(GST_STREAM_ERROR_TYPE_NOT_FOUND, GST_STREAM_ERROR_WRONG_TYPE) {
            return wasHeard ? nil : "it is no video, or of an unknown kind"
        }
        if report.isStream(GST_STREAM_ERROR_DECODE), report.sentence.contains("No valid frames") {
            return "not one picture of it could be decoded: it is damaged, or has no keyframe"
        }
        if let damaged = damaged(report) { return damaged }
        let missing = report.debug.split(separator: "\n").first { $0.hasPrefix("Missing decoder: ") }
        guard report.domain == .core, report.code == GST_CORE_ERROR_MISSING_PLUGIN.rawValue else { return nil }
        guard let missing else { return nil }
        if ["application/x-cenc", "application/x-cbcs"].contains(where: { missing.contains($0) }) {
            return "it is encrypted (DRM), and there is no key; save it without"
        }
        let kind = missing.dropFirst(17)
        return kind.hasPrefix("text/") || kind.hasPrefix("image/svg") || kind.hasPrefix("application/")
            ? "what is there is no video (\(kind)); check the address"
            : "no decoder for \(kind) is installed; see `watchword doctor`"
    }

    /// Returns the message for a damaged local film; nil for other sources and errors.
    ///
    /// A server's film is not called damaged, as the network may deliver it intact next time.
    private func damaged(_ report: SourceReport) -> String? {
        guard server == nil, report.domain == .stream else { return nil }
        if let cut = SourcePath(uri).flatMap({ FilmFile($0) })?.cut { return cut }
        if report.isStream(GST_STREAM_ERROR_DEMUX) {
            return report.sentence.contains("no playable streams")
                ? "nothing in it can be played: it has no index of a film; it was cut off, or never finished"
                : "the film cannot be taken apart: it is damaged, or was cut off (\(report.sentence))"
        }
        if report.isStream(GST_STREAM_ERROR_DECODE) {
            return "its pictures cannot be decoded: they are damaged, or of another kind than it says"
        }
        guard let reason = report.debug.range(of: "reason error (") ?? report.debug.range(of: "reason not-") else {
            return nil
        }
        return report.debug[reason.lowerBound...].contains("not-negotiated")
            ? "no decoder takes its pictures as they are (\(report.plain))"
            : "it cannot be read any further: it is damaged, or was cut off (\(report.plain))"
    }
}
