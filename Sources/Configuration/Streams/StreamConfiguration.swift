import Concurrency
import Matching
package import Pixels
package import StreamSources
import SystemSupport
import Yams

/// A stream as the configuration file or the request `stream.add` describes it.
package struct StreamConfiguration: Codable, Sendable, Equatable {
    package var name: String
    package var uri: String
    package var template: String?
    package var fps: Double?
    package var decode: DecodeMode?
    package var realtime: Bool?
    package var loop: Bool?
    package var launch: String?
    /// The least change between pictures, in levels (0 to 255) of a block's mean, for which a frame is embedded; nil
    /// means any.
    package var gate: Double?
    /// The stream's labels, by which queries can select it.
    package var labels: [String]?
    /// Regions of the picture that are watched separately, as `door: [x, y, width, height]` in fractions of the
    /// picture.
    package var regions: [String: [Double]]?
    /// True if events store the picture of their best frame; nil means true.
    package var snapshots: Bool?
    /// True if the history records the stream's embeddings; nil means true.
    package var history: Bool?
    /// True if the stream's events store video clips, provided that the daemon records clips; nil means true.
    package var clips: Bool?
    /// The seconds of unchanged pictures after which the stream counts as frozen; nil means 60.
    package var frozen: Double?
    /// The path of a file with `user:password`, or its name in `$CREDENTIALS_DIRECTORY`.
    ///
    /// The URI must then contain no user or password.
    package var credentials: String?
    /// The transport of an RTSP camera's packets, such as TCP or UDP; nil means that it is chosen automatically.
    package var transport: RTSPTransport?
    /// The certificate to trust for rtsps:// and https://, instead of the system's certificate authorities.
    package var tls: TLSTrust?
    /// The longest wait, in seconds, for a live source's first data; nil means 10.
    package var connect: Double?
    /// The seconds without data after which a live source is opened again; nil means 10.
    package var stall: Double?
    package var backoff: Pauses?

    /// The first and the longest pause before a live source is opened again, in seconds; nil means 1 and 30.
    package struct Pauses: Codable, Sendable, Equatable {
        package var first: Double?
        package var most: Double?

        package init(first: Double? = nil, most: Double? = nil) { (self.first, self.most) = (first, most) }
    }

    package init(name: String, uri: String, fps: Double? = nil, realtime: Bool? = nil, loop: Bool? = nil) {
        self.name = name
        self.uri = uri
        self.fps = fps
        self.realtime = realtime
        self.loop = loop
    }

    init(_ node: Node, path: String) throws(ConfigurationError) {
        let mapping = try YAMLMapping(
            node, path: path, what: "a stream",
            keys: [
                "name", "uri", "template", "fps", "decode", "realtime", "loop", "launch", "gate", "labels",
                "regions", "snapshots", "history", "clips", "frozen", "credentials", "transport", "tls", "connect",
                "stall", "backoff",
            ])
        name = try mapping.required("name")
        launch = try mapping.string("launch")
        uri = launch == nil ? try mapping.required("uri") : try mapping.string("uri") ?? "custom"
        template = try mapping.string("template")
        fps = try mapping.double("fps")
        if let word = try mapping.string("decode") {
            guard let mode = DecodeMode(rawValue: word) else {
                let modes = DecodeMode.allCases.map(\.rawValue).joined(separator: ", ")
                throw mapping.failure("decode", "expected one of \(modes), found \"\(word.prefix(40))\"")
            }
            decode = mode
        }
        realtime = try mapping.bool("realtime")
        loop = try mapping.bool("loop")
        gate = try mapping.double("gate")
        labels = try mapping.strings("labels")
        regions = try mapping.numbers("regions")
        snapshots = try mapping.bool("snapshots")
        history = try mapping.bool("history")
        clips = try mapping.bool("clips")
        frozen = try mapping.double("frozen")
        credentials = try mapping.string("credentials")
        if let word = try mapping.string("transport") {
            guard let way = RTSPTransport(rawValue: word) else {
                let ways = RTSPTransport.allCases.map(\.rawValue).joined(separator: ", ")
                throw mapping.failure("transport", "expected one of \(ways), found \"\(word.prefix(40))\"")
            }
            transport = way
        }
        if let trust = try mapping.mapping("tls", keys: ["ca", "fingerprint"]) {
            tls = TLSTrust(ca: try trust.string("ca"), fingerprint: try trust.string("fingerprint"))
        }
        connect = try mapping.double("connect")
        stall = try mapping.double("stall")
        if let pauses = try mapping.mapping("backoff", keys: ["first", "most"]) {
            backoff = Pauses(first: try pauses.double("first"), most: try pauses.double("most"))
        }
        if let problem { throw mapping.failure(problem.key, problem.reason) }
    }

    /// The longest URI, launch line or template name, in bytes.
    private static let longestText = 4096

    /// The first invalid key, and the reason; nil if all values are valid.
    package var problem: (key: String, reason: String)? {
        if !Name.isValid(name) {
            return ("name", "\"\(name.prefix(64))\" must be 1 to 64 letters, digits, hyphens or underscores")
        }
        if let gate, !(gate > 0 && gate <= 255) {
            return ("gate", "expected a number of levels above 0 and up to 255, found \(gate)")
        }
        for (key, text) in [("uri", uri), ("launch", launch ?? ""), ("template", template ?? "")]
        where text.utf8.count > Self.longestText {
            return (key, "expected at most \(Self.longestText) bytes, found \(text.utf8.count)")
        }
        guard (labels ?? []).count <= 64 else { return ("labels", "expected at most 64, found \(labels?.count ?? 0)") }
        guard (regions ?? [:]).count <= 16 else { return ("regions", "at most 16 are taken") }
        for label in labels ?? [] where !Name.isValid(label) {
            return ("labels", "\"\(label.prefix(64))\" must be 1 to 64 letters, digits, hyphens or underscores")
        }
        for (region, numbers) in (regions ?? [:]).sorted(by: { $0.key < $1.key }) {
            guard Name.isValid(region) else {
                return ("regions", "\"\(region.prefix(64))\" must be 1 to 64 letters, digits, hyphens or underscores")
            }
            guard Self.rectangle(numbers) != nil else {
                return (
                    "regions", "\(region): expected [x, y, width, height] in fractions of the picture, within it"
                )
            }
        }
        if let frozen, !(frozen >= 1 && frozen <= 86_400) {
            return ("frozen", "expected 1 to 86400 seconds, found \(frozen)")
        }
        for (key, seconds) in [("connect", connect), ("stall", stall)] {
            if let seconds, !(seconds >= 0.5 && seconds <= 3600) {
                return (key, "expected 0.5 to 3600 seconds, found \(seconds)")
            }
        }
        if let first = backoff?.first, !(first >= 0.1 && first <= 3600) {
            return ("backoff", "first: expected 0.1 to 3600 seconds, found \(first)")
        }
        if let most = backoff?.most, !(most >= 0.1 && most <= 86_400) {
            return ("backoff", "most: expected 0.1 to 86400 seconds, found \(most)")
        }
        guard limits.backoff.first <= limits.backoff.max else {
            return (
                "backoff", "first: expected no more than most, which is \(limits.backoff.max / .seconds(1)) seconds"
            )
        }
        if let credentials {
            guard launch == nil else { return ("credentials", "a launch line has its own; leave this out") }
            guard !credentials.isEmpty, credentials.utf8.count <= 4096, !credentials.utf8.contains(0) else {
                return ("credentials", "expected a file, or its name in $CREDENTIALS_DIRECTORY")
            }
        }
        if let problem = connectionProblem { return problem }
        if let fps, !(fps > 0 && fps <= 60) { return ("fps", "expected a number above 0 and up to 60, found \(fps)") }
        return nil
    }

    /// The first of the keys `transport` and `tls` that does not fit the URI, and the reason; nil if both fit.
    package var connectionProblem: (key: String, reason: String)? {
        if transport != nil, launch != nil || SourceURI.scheme(uri)?.hasPrefix("rtsp") != true {
            return ("transport", "is of rtsp:// alone; leave it out")
        }
        guard let tls else { return nil }
        guard launch == nil, TLSTrust.takes(uri) else {
            return ("tls", "is of rtsps:// and https:// alone; leave it out")
        }
        return tls.problem.map { ("tls", $0) }
    }

    /// The time limits after which the stream's source is closed or opened again.
    package var limits: StreamSupervision.Limits {
        var limits = StreamSupervision.Limits()
        if let connect { limits.connect = .seconds(connect) }
        if let stall { limits.stall = .seconds(stall) }
        // Data without a decoded picture keeps a stream alive only for a while, except with `decode: keyframes`, where
        // pictures are rare.
        limits.blind = decode == .keyframes ? nil : max(.seconds(60), limits.stall * 6)
        if let first = backoff?.first { limits.backoff.first = .seconds(first) }
        if let most = backoff?.most {
            limits.backoff.max = .seconds(most)
            if backoff?.first == nil { limits.backoff.first = min(limits.backoff.first, limits.backoff.max) }
        } else {
            limits.backoff.max = max(limits.backoff.max, limits.backoff.first)
        }
        return limits
    }

    /// The regions by name; invalid rectangles are left out.
    package var rectangles: [String: PictureRegion] { (regions ?? [:]).compactMapValues(Self.rectangle) }

    private static func rectangle(_ numbers: [Double]) -> PictureRegion? {
        guard numbers.count == 4 else { return nil }
        return PictureRegion(x: numbers[0], y: numbers[1], width: numbers[2], height: numbers[3])
    }
}
