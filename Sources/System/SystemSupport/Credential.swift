import Foundation

/// Files that systemd passes to a service, by name (`LoadCredential=`).
package enum Credential {
    /// The directory of the credentials; nil without systemd, or if the unit has none.
    package static var directory: String? {
        ProcessInfo.processInfo.environment["CREDENTIALS_DIRECTORY"].flatMap { $0.isEmpty ? nil : $0 }
    }

    /// The path of a credential; nil if the name contains a folder or no such credential exists.
    package static func file(_ name: String, in directory: String? = directory) -> String? {
        guard let directory, !name.contains("/") else { return nil }
        let file = "\(directory)/\(name)"
        return FileManager.default.fileExists(atPath: file) ? file : nil
    }
}
