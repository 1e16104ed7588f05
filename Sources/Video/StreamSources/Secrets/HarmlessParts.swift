/// Lists of URI parts that are known to be no secrets; every other part of a path or query is hidden in messages.
enum HarmlessParts {
    /// The schemes of URIs that name something on this machine, such as a file or a device.
    static let localSchemes: Set<String> = ["file", "v4l2", "test", "shapes", "ipc", "data"]

    /// The least length in bytes of a part of a URI that might be a secret; shorter ones are shown.
    private static let shortest = 3

    /// Returns the parts of a URI that are hidden in messages; `range` is the URI's path and query in `bytes`.
    static func hidden(_ bytes: [UInt8], _ range: Range<Int>) -> [Redaction.Find] {
        let query = bytes[range].firstIndex { "?#".utf8.contains($0) } ?? range.upperBound
        var finds: [Redaction.Find] = []
        for segment in pieces(bytes, range.lowerBound..<query, separators: "/") where !isHarmlessSegment(bytes[segment])
        {
            finds.append(.init(range: segment, secret: segment, replacement: "…", isCertain: false))
        }
        guard query < range.upperBound else { return finds }
        for piece in pieces(bytes, query..<range.upperBound, separators: "?#&;") {
            if let find = parameter(bytes, piece) { finds.append(find) }
        }
        return finds
    }

    private static func pieces(_ bytes: [UInt8], _ range: Range<Int>, separators: String) -> [Range<Int>] {
        let marks = Set(separators.utf8)
        var pieces: [Range<Int>] = []
        var start = range.lowerBound
        for at in range.lowerBound...range.upperBound where at == range.upperBound || marks.contains(bytes[at]) {
            if at > start { pieces.append(start..<at) }
            start = at + 1
        }
        return pieces
    }

    /// Returns the part of a query parameter `name=value` to hide, or nil to show all of it.
    ///
    /// Both are shown if both are harmless. Only the value is hidden if the name is known, else the whole parameter is.
    private static func parameter(_ bytes: [UInt8], _ piece: Range<Int>) -> Redaction.Find? {
        let equals = bytes[piece].firstIndex(of: UInt8(ascii: "=")) ?? piece.upperBound
        let name = text(bytes[piece.lowerBound..<equals])
        let value = min(equals + 1, piece.upperBound)..<piece.upperBound
        if isHidden(bytes[piece]) { return nil }
        let isSecret = isSecret(name)
        guard isSecret || parameters.contains(name) || name.utf8.count < shortest else {
            return .init(range: piece, secret: value.isEmpty ? piece : value, replacement: "…", isCertain: false)
        }
        if value.isEmpty || isHidden(bytes[value]) || !isSecret && isHarmlessValue(bytes[value]) { return nil }
        return .init(range: value, secret: value, replacement: "…", isCertain: isSecret)
    }

    /// Returns true if the bytes are `…`, which was put there in place of a hidden part.
    private static func isHidden(_ bytes: ArraySlice<UInt8>) -> Bool { bytes.elementsEqual("…".utf8) }

    private static func text(_ bytes: ArraySlice<UInt8>) -> String {
        String(decoding: bytes, as: UTF8.self).lowercased()
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

    /// Returns true if a path segment is a word or a number known from cameras' URIs.
    ///
    /// A word may be followed by up to two numbers of at most three digits, and by a file extension.
    private static func isHarmlessSegment(_ bytes: ArraySlice<UInt8>) -> Bool {
        if bytes.count < shortest || isHidden(bytes) { return true }
        var name = text(bytes)
        if let dot = name.lastIndex(of: "."), endings.contains(String(name[name.index(after: dot)...])) {
            name = String(name[..<dot])
        }
        if words.contains(name) { return true }
        // Up to two numbers after the word, as in ch01_0.
        for _ in 0..<2 {
            let digits = name.utf8.reversed().prefix(while: isDigit).count
            guard digits <= 3 else { return false }
            name.removeLast(digits)
            while name.hasSuffix("-") || name.hasSuffix("_") { name.removeLast() }
            if name.isEmpty || words.contains(name) { return true }
        }
        return false
    }

    /// Returns true if a parameter's value is a number, a size such as 640x480, or a word known from cameras' URIs.
    private static func isHarmlessValue(_ bytes: ArraySlice<UInt8>) -> Bool {
        if bytes.count < shortest || isHarmlessSegment(bytes) { return true }
        return bytes.count <= 9
            && bytes.allSatisfy { isDigit($0) || $0 == UInt8(ascii: "x") || $0 == UInt8(ascii: ".") }
    }

    private static let endings: Set<String> = [
        "m3u8", "mpd", "mp4", "mkv", "ts", "flv", "cgi", "sdp", "mjpg", "mjpeg", "jpg", "amp", "asp", "php", "264",
        "h264",
    ]

    /// The words in paths and parameter values that are no secrets, from the manuals of cameras and servers.
    private static let words: Set<String> = [
        "stream", "streams", "streaming", "live", "livestream", "video", "videos", "videomain", "videosub", "cam",
        "camera", "cameras", "channel", "channels", "ch", "chn", "main", "sub", "mainstream", "substream", "media",
        "mediainput", "profile", "profiles", "onvif", "onvifsnapshot", "axis-media", "axis-cgi", "mjpg", "mjpeg",
        "jpeg", "jpg", "isapi", "psia", "realmonitor", "play", "playlist", "index", "manifest", "hls", "dash", "rtsp",
        "rtsph", "rtmp", "srt", "webrtc", "h264", "h265", "hevc", "mpeg", "mp4", "av_stream", "av", "unicast",
        "multicast", "track", "trackid", "default", "high", "low", "medium", "cgi-bin", "snapshot", "snap", "image",
        "images", "picture", "tcp", "udp", "caller", "auto", "true", "false", "yes", "no", "test", "mystream",
        "monitor", "nph-zms", "zm", "api", "primary", "secondary", "hd", "sd", "clip", "film", "lobby", "dock",
    ]

    /// The names of URI parameters that are shown together with their value, if the value is harmless.
    private static let parameters: Set<String> = [
        "user", "username", "channel", "channels", "subtype", "stream", "streamtype", "resolution", "fps", "camera",
        "profile", "width",
        "height", "codec", "videocodec", "audio", "video", "unicast", "proto", "protocol", "mode", "latency",
        "transport", "monitor", "scale", "quality", "compression", "rotation", "source", "timeout", "bitrate",
        "multicast", "ttl", "trackid", "nettype", "linkmode", "transtype", "channelid", "streamid_number", "maxrate",
    ]

    /// The names of URI parameters that may be shown, but whose values never are.
    private static let secrets: Set<String> = [
        "token", "password", "passwd", "passphrase", "pass", "pas", "pwd", "pw", "auth", "authorization", "key",
        "secret", "signature", "sig", "credential", "credentials", "session", "sid", "jwt", "hash", "hdnts", "hdnea",
        "hdntl", "code", "streamid", "hmac", "ticket", "p", "psw", "otp", "pin",
    ]
    /// The names in `secrets` that are also ordinary words: outside a URI, a value after them is not hidden.
    private static let ordinary: Set<String> = ["p", "code", "hash", "pin", "ticket"]

    static func isSecret(_ name: String) -> Bool {
        let last = name.split { "_-.".contains($0) }.last.map(String.init) ?? name
        return secrets.contains(last)
            || ["token", "password", "passwd", "pwd", "secret", "apikey", "accesskey", "signature", "loginpas"]
                .contains { last.hasSuffix($0) }
    }

    /// Returns true if a word outside a URI, as in `password=…`, announces a secret.
    static func isSecretWord(_ name: String) -> Bool { isSecret(name) && !ordinary.contains(name) }
}
