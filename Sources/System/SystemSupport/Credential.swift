import Foundation

/// Files that systemd hands to a service, by name (`LoadCredential=`).
package enum Credential {
    /// Directory of the credentials; nil without systemd, or where the unit names none.
    package static var directory: String? {
        ProcessInfo.processInfo.environment["CREDENTIALS_DIRECTORY"].flatMap { $0.isEmpty ? nil : $0 }
    }

    /// The file of a name, if it has no folder and there is a credential of it.
    package static func file(_ name: String, in directory: String? = directory) -> String? {
        guard let directory, !name.contains("/") else { return nil }
        let file = "\(directory)/\(name)"
        return FileManager.default.fileExists(atPath: file) ? file : nil
    }
}
