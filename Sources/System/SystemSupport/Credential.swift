import Foundation

/// Finds the files that systemd passes to a service by name (`LoadCredential=` in the unit file).
package enum Credential {
    /// The directory in which systemd puts the credentials; nil without systemd, or if the unit has none.
    package static var directory: String? {
        ProcessInfo.processInfo.environment["CREDENTIALS_DIRECTORY"].flatMap { $0.isEmpty ? nil : $0 }
    }

    /// Returns the path of the credential `name`; nil if the name contains a slash or there is no such credential.
    package static func file(_ name: String, in directory: String? = directory) -> String? {
        guard let directory, !name.contains("/") else { return nil }
        let file = "\(directory)/\(name)"
        return FileManager.default.fileExists(atPath: file) ? file : nil
    }
}
