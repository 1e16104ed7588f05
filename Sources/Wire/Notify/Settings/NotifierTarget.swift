import Foundation
import StreamSources
import SystemSupport

/// The destination of a notifier, with its secrets, read from their files.
package struct NotifierTarget: Sendable, Equatable {
    let url: StrictURI
    let secret: WebhookSecret?
    let token: String?
    /// MQTT: the password, and paths of files of TLS.
    let password: String?
    let ca: String?
    let certificate: String?
    let key: String?

    /// Reads the files; throws on what cannot be used.
    package init(_ settings: NotifierSettings) throws(NotifyError) {
        let what = "notifier \"\(settings.name)\""
        var address = settings.url ?? settings.format.usualURL
        if let file = settings.urlFile { address = try Self.line(file, "url_file", settings) }
        guard let address else { throw NotifyError("\(what): url or url_file is missing") }
        do throws(StrictURI.Problem) {
            url = try StrictURI(address)
        } catch {
            throw NotifyError("\(what): the address is not as in https://example.org/hook: \(error.reason)")
        }
        let schemes = settings.format.schemes
        guard schemes.contains(url.scheme), !url.host.isEmpty else {
            throw NotifyError("\(what): expected an address of \(schemes.joined(separator: " or ")) with a host")
        }
        guard url.user == nil else {
            throw NotifyError("\(what): expected no user in the address; \(settings.format.userKeys)")
        }
        let url = url
        for bond in settings.bonds where !bond.hosts.contains(where: { $0.matches(url) }) {
            let hosts = bond.hosts.map(\.text).joined(separator: ", ")
            throw NotifyError("\(what): \(bond.reason) \(hosts) alone, and the address is of \(url.host)")
        }
        try Self.checkPrivacy(url, settings, what)
        password = try settings.password.map { file throws(NotifyError) in try Self.line(file, "password", settings) }
        ca = try settings.ca.map { file throws(NotifyError) in try Self.path(file, "ca", settings) }
        certificate = try settings.certificate.map { file throws(NotifyError) in
            try Self.path(file, "certificate", settings)
        }
        key = try settings.key.map { file throws(NotifyError) in
            let path = try Self.path(file, "key", settings)
            do throws(FileProblem) { _ = try GuardedFile.read(path, "key", .secret, limit: 65_536) } catch {
                throw NotifyError("\(what): key: \(Self.shown(path, "key", settings)): \(error.description)")
            }
            return path
        }
        token = try settings.token.map { file throws(NotifyError) in try Self.line(file, "token", settings) }
        if let file = settings.secret {
            let text = try Self.line(file, "secret", settings)
            guard let read = WebhookSecret(text) else {
                throw NotifyError(
                    "\(what): secret: expected whsec_ and 24 to 64 bytes in base64, as printf 'whsec_%s' "
                        + "\"$(openssl rand -base64 32)\" makes them")
            }
            secret = read
        } else {
            secret = nil
        }
        try settings.format.check(self, settings, what)
    }

    /// Reads the one line of a secret file; a name without a folder may be a credential's.
    private static func line(
        _ file: String, _ key: String, _ settings: NotifierSettings
    ) throws(NotifyError) -> String {
        let path = Credential.file(file) ?? file
        let what = "notifier \"\(settings.name)\": \(key): \(shown(path, key, settings))"
        let data: Data
        do throws(FileProblem) {
            data = try GuardedFile.read(path, "secret", .secret, limit: 4096)
        } catch {
            throw NotifyError("\(what): \(error.description)")
        }
        let text = String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
        guard !text.isEmpty, text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw NotifyError("\(what): expected one line of visible characters without spaces")
        }
        return text
    }

    /// The path of a file that can be read; a bare name may be that of a credential.
    private static func path(
        _ file: String, _ key: String, _ settings: NotifierSettings
    ) throws(NotifyError) -> String {
        let path = Credential.file(file) ?? file
        guard FileManager.default.isReadableFile(atPath: path) else {
            throw NotifyError(
                "notifier \"\(settings.name)\": \(key): \(shown(path, key, settings)): it cannot be read")
        }
        return path
    }

    /// A file as sentences name it: to a client by the credential's name, not by its path.
    private static func shown(_ path: String, _ key: String, _ settings: NotifierSettings) -> String {
        guard settings.source == .socket else { return path }
        let name = settings.bonds.first { $0.key == key }?.credential
        return name.map { "the credentials \"\($0)\"" } ?? "the credentials"
    }

    /// Keys whose credentials are sent, or are a part of the address.
    private static let sent = ["url_file", "secret", "token", "password"]

    /// Throws if a client's notifier would send a credential readably to a host that may not be meant.
    private static func checkPrivacy(
        _ url: StrictURI, _ settings: NotifierSettings, _ what: String
    ) throws(NotifyError) {
        guard settings.source == .socket, !["https", "mqtts"].contains(url.scheme) else { return }
        for bond in settings.bonds {
            guard let key = bond.key, sent.contains(key),
                !bond.hosts.contains(where: { $0.isExact && $0.matches(url) })
            else { continue }
            throw NotifyError(
                "\(what): \(key): a credential goes by https or mqtts; without TLS its hosts: must name the port, "
                    + "as in host:1883")
        }
    }

    /// A hash that distinguishes this target from another one, and reveals none of its secrets.
    var fingerprint: String { FNV1a(url.with(user: nil).utf8).digits }
}
