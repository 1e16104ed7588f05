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
        if let file = settings.urlFile { address = try Self.line(file, "\(what): url_file") }
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
        password = try settings.password.map { file throws(NotifyError) in try Self.line(file, "\(what): password") }
        ca = try settings.ca.map { file throws(NotifyError) in try Self.path(file, "\(what): ca") }
        certificate = try settings.certificate.map { file throws(NotifyError) in
            try Self.path(file, "\(what): certificate")
        }
        key = try settings.key.map { file throws(NotifyError) in
            let path = try Self.path(file, "\(what): key")
            do throws(FileProblem) { _ = try GuardedFile.read(path, "key", .secret, limit: 65_536) } catch {
                throw NotifyError("\(what): key: \(path): \(error.description)")
            }
            return path
        }
        token = try settings.token.map { file throws(NotifyError) in try Self.line(file, "\(what): token") }
        if let file = settings.secret {
            let text = try Self.line(file, "\(what): secret")
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
    private static func line(_ file: String, _ what: String) throws(NotifyError) -> String {
        let path = Credential.file(file) ?? file
        let data: Data
        do throws(FileProblem) {
            data = try GuardedFile.read(path, "secret", .secret, limit: 4096)
        } catch {
            throw NotifyError("\(what): \(path): \(error.description)")
        }
        let text = String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
        guard !text.isEmpty, text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw NotifyError("\(what): \(path): expected one line of visible characters without spaces")
        }
        return text
    }

    /// The path of a file that can be read; a bare name may be that of a credential.
    private static func path(_ file: String, _ what: String) throws(NotifyError) -> String {
        let path = Credential.file(file) ?? file
        guard FileManager.default.isReadableFile(atPath: path) else {
            throw NotifyError("\(what): \(path): it cannot be read")
        }
        return path
    }

    /// A hash that distinguishes this target from another one, and reveals none of its secrets.
    var fingerprint: String { FNV1a(url.with(user: nil).utf8).digits }
}
