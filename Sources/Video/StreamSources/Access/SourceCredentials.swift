import Foundation
import SystemSupport

/// The user and password of a source, read from a separate file.
package struct SourceCredentials: Sendable, Equatable {
    package let user: String
    package let password: String

    /// Returns the path of a credentials file: `name` if it has a slash, else that file in `$CREDENTIALS_DIRECTORY`.
    ///
    /// systemd sets this variable. Throws if it is not set, or if `name` is empty, `.` or `..`.
    package static func path(of name: String) throws(SourceError) -> String {
        if name.contains("/") { return name }
        guard let directory = Credential.directory else {
            throw SourceError(
                "credentials \"\(name.prefix(64))\": a name is a file in $CREDENTIALS_DIRECTORY, which is not set; give a path"
            )
        }
        guard name != ".", name != "..", !name.isEmpty else {
            throw SourceError("credentials \"\(name)\": that is no name of a file")
        }
        return "\(directory)/\(name)"
    }

    /// Returns a name of a credentials file that is valid in other processes: its absolute path.
    ///
    /// A name without a slash that is no file in the current directory is returned unchanged.
    package static func absolute(_ name: String) -> String {
        guard name.contains("/") || FileManager.default.fileExists(atPath: name) else { return name }
        return URL(filePath: name).standardizedFileURL.path
    }

    /// Reads `user:password` from the first line of a credentials file.
    ///
    /// Throws if the file cannot be read, if every user may read it, or if the line has another form.
    package init(named name: String) throws(SourceError) {
        let path = try Self.path(of: name)
        let bytes: Data
        do {
            bytes = try GuardedFile.read(path, "file of credentials", .secret, limit: 65_536)
        } catch {
            throw SourceError("credentials \(path): \(error)")
        }
        let line = bytes.prefix { $0 != 0x0A && $0 != 0x0D }
        guard line.count < 4096, let text = String(validating: line, as: UTF8.self),
            !text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F })
        else { throw SourceError("credentials \(path): the first line must be a text of at most 4095 bytes") }
        let bits = Array(text.utf8)
        guard let colon = bits.firstIndex(of: UInt8(ascii: ":")), colon > 0 else {
            throw SourceError("credentials \(path): the first line must be user:password")
        }
        user = String(decoding: bits[..<colon], as: UTF8.self)
        password = String(decoding: bits[(colon + 1)...], as: UTF8.self)
    }

    /// Returns the URI with the user and password put in; throws unless one of `hosts` matches (nil allows any host).
    package func filled(into uri: String, hosts: [HostPattern]?) throws(SourceError) -> String {
        guard let scheme = SourceURI.scheme(uri), scheme != "file", let start = uri.range(of: "://")?.upperBound else {
            throw SourceError("\(SourceURI.redacted(uri)): credentials are for URIs such as rtsp://")
        }
        guard !uri[start...].utf8.prefix(while: { !"/?#".utf8.contains($0) }).contains(UInt8(ascii: "@")) else {
            throw SourceError(
                "\(SourceURI.redacted(uri)): it has a user already; leave that out, or the file of credentials")
        }
        if let hosts {
            let parts: StrictURI
            do throws(StrictURI.Problem) { parts = try StrictURI(uri) } catch {
                throw SourceError("\(SourceURI.redacted(uri)): \(error.reason)")
            }
            guard hosts.contains(where: { $0.matches(parts) }) else {
                throw SourceError(
                    "\(SourceURI.redacted(uri)): these credentials are for "
                        + "\(hosts.map(\.text).joined(separator: ", ")) alone (credentials: in the configuration)"
                )
            }
        }
        return "\(uri[..<start])\(Self.encoded(user)):\(Self.encoded(password))@\(uri[start...])"
    }

    private static func encoded(_ text: String) -> String {
        let plain = CharacterSet(charactersIn: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~")
        return text.addingPercentEncoding(withAllowedCharacters: plain) ?? ""
    }

    package var secrets: [String] { [password, Self.encoded(password), "\(user):\(password)"] }
}

/// A pattern of the hosts that may get credentials: a name, an address or an address range.
///
/// A name or a single address may have a port, as in `camera-1:554`.
package struct HostPattern: Sendable, Equatable {
    package let text: String
    private let name: String
    private let range: AddressRange?
    private let port: Int?

    /// Parses a host pattern; nil if the text is neither a host, with or without a port, nor an address range.
    package init?(_ text: String) {
        self.text = text
        if let range = AddressRange(text) {
            (self.range, name, port) = (range, "", nil)
            return
        }
        let parts: StrictURI
        do throws(StrictURI.Problem) { parts = try StrictURI("host://\(text)") } catch { return nil }
        guard !parts.host.isEmpty, parts.rest.isEmpty, parts.user == nil else { return nil }
        (range, name, port) = (AddressRange(parts.host), parts.host, parts.port)
    }

    /// Whether it names a port, or is an address or a range.
    package var isExact: Bool { port != nil || range != nil }

    package func matches(_ uri: StrictURI) -> Bool {
        if let port, port != uri.portOrUsual { return false }
        guard let range else { return uri.host == name }
        return NetworkAddress(uri.host).map(range.contains) ?? false
    }
}
