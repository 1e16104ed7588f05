import Foundation

/// The limits on what the streams that a client adds may open.
///
/// Streams of the configuration and of the command line have no such limits.
package struct SourcePolicy: Sendable, Equatable {
    /// The URI schemes that a client's streams may use.
    package var schemes = Self.standardSchemes
    /// The absolute paths of the directories whose files a client's streams may read.
    package var files: [String] = []
    /// The special addresses (such as loopback) that a client's streams may connect to, in addition to ordinary ones.
    package var addresses: [AddressRange] = []
    /// True if a client may write a GStreamer launch line for a stream.
    package var launch = false
    /// True if a client's streams may use HLS and DASH, whose playlists name further URIs, and SDP files.
    package var playlists = false

    package init() {}

    package static let standardSchemes: Set<String> = [
        "rtsp", "rtspu", "rtspt", "rtsph", "rtsps", "rtspsu", "rtspst", "rtspsh", "http", "https", "srt", "rtmp",
        "rtmps", "udp", "v4l2", "test", "shapes", "file",
    ]

    /// Throws an error for people if a client may not open this source.
    ///
    /// Host names are not resolved here: `Reach` checks their addresses when the connection is made.
    package func check(_ source: SourceDescription) throws(SourceError) {
        let shown = SourceURI.redacted(source.uri)
        guard source.launch == nil, source.template != "custom" else {
            guard launch else {
                throw SourceError(
                    "launch: clients may not write launch lines here; "
                        + "put the stream into the configuration, or set sources: {launch: true} in it"
                )
            }
            // The elements of the launch line are checked when the pipeline is made.
            return
        }
        if let ca = source.trust?.ca {
            do throws(Refusal) { try checkPath(ca) } catch { throw SourceError("tls: ca: \(error.reason)") }
        }
        do throws(Refusal) { try check(source.uri) } catch { throw SourceError("\(shown): \(error.reason)") }
    }

    package struct Refusal: Error {
        package let reason: String
        package init(_ reason: String) { self.reason = reason }
    }

    /// Throws the reason why a client may not open this URI or path.
    package func check(_ uri: String) throws(Refusal) {
        let scheme = SourceURI.scheme(uri) ?? "file"
        guard schemes.contains(scheme) else {
            throw Refusal(
                "clients may not open \(scheme.prefix(40)):// here; there are: "
                    + "\(schemes.sorted().joined(separator: ", ")) (sources: {schemes: …} in the configuration)"
            )
        }
        switch scheme {
        case "file": try checkFile(uri)
        case "v4l2": try checkDevice(String(uri.dropFirst("v4l2://".count)))
        case "test", "shapes": break
        default: try checkNetwork(uri)
        }
    }

    private func checkNetwork(_ uri: String) throws(Refusal) {
        let parts: StrictURI
        do throws(StrictURI.Problem) { parts = try StrictURI(uri) } catch { throw Refusal(error.reason) }
        guard !parts.host.isEmpty else {
            throw Refusal("expected a host after \(parts.scheme)://; clients may not open ports here")
        }
        if parts.scheme == "udp" {
            // For UDP, an address that is no multicast group is one of this machine, at which a port would be opened.
            guard let address = NetworkAddress(parts.host), address.isMulticast || isNamed(address) else {
                throw Refusal("clients may receive multicast groups alone, as in udp://239.1.2.3:5004")
            }
            return
        }
        let options = (parts.rest.removingPercentEncoding ?? "mode=listener").lowercased()
        if parts.scheme == "srt", options.contains("mode=listener") || options.contains("mode=rendezvous") {
            throw Refusal("clients may not open ports here (mode=listener)")
        }
        try checkHost(parts.host)
    }

    /// Throws if a client may not connect to a host, by its text alone: an address, or a name such as `localhost`.
    ///
    /// Other names are not resolved here, but when the connection is made.
    package func checkHost(_ host: String) throws(Refusal) {
        if let address = NetworkAddress(host) {
            guard allows(address) else { throw Self.unreachable }
            guard Self.isPlain(host) else { throw Refusal("expected an address as in 192.168.1.20") }
        } else if host == "localhost" || host.hasSuffix(".localhost") || host.hasSuffix(".localdomain") {
            guard let address = NetworkAddress("127.0.0.1"), allows(address) else { throw Self.unreachable }
        }
    }

    private static let unreachable = Refusal(
        "clients may not reach this address, which is this machine's own, link-local or the like "
            + "(sources: {addresses: …} in the configuration)"
    )

    package func allows(_ address: NetworkAddress) -> Bool { address.isOrdinary || isNamed(address) }

    /// Returns true if the configuration allows this special address explicitly.
    private func isNamed(_ address: NetworkAddress) -> Bool {
        addresses.contains { range in address.faces.contains { range.contains($0) } }
    }

    /// Returns true if a numeric host is IPv6, or four decimal numbers: other forms are read differently by libraries.
    private static func isPlain(_ host: String) -> Bool {
        if host.contains(":") { return true }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts.allSatisfy { UInt8($0).map { String($0) } == String($0) }
    }

    /// Throws unless the file of a URI or path, with all symbolic links resolved, lies in an allowed directory.
    private func checkFile(_ uri: String) throws(Refusal) {
        guard let path = SourceURI.file(uri), !path.utf8.contains(0) else { throw Refusal("expected a path") }
        try checkPath(path)
    }

    package func checkPath(_ path: String) throws(Refusal) {
        guard !files.isEmpty else {
            throw Refusal("clients may not open files here (sources: {files: [directory]} in the configuration)")
        }
        let refused = Refusal("expected a file in \(files.joined(separator: ", ")) (sources: files)")
        guard path.hasPrefix("/") else { throw refused }
        guard playlists || !path.lowercased().hasSuffix(".sdp") else {
            throw Refusal("clients may not open session descriptions here (sources: {playlists: true})")
        }
        // A missing file gives the same error as one outside: a client does not learn which files exist.
        guard let real = Self.real(path), files.compactMap(Self.real).contains(where: { real.hasPrefix($0 + "/") })
        else { throw refused }
        var status = stat()
        guard stat(real, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { throw Refusal("that is no file") }
    }

    private static func real(_ path: String) -> String? {
        guard let found = realpath(path, nil) else { return nil }
        defer { free(found) }
        return String(cString: found)
    }

    private func checkDevice(_ path: String) throws(Refusal) {
        let isCamera =
            path.wholeMatch(of: /\/dev\/video[0-9]{1,3}/) != nil
            || path.wholeMatch(of: /\/dev\/v4l\/by-(id|path)\/[A-Za-z0-9_.:+-]{1,200}/) != nil
        guard isCamera else { throw Refusal("expected a camera as in v4l2:///dev/video0") }
    }
}
