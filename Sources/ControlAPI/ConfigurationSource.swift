/// The origin of a standing query or a stream.
package enum ConfigurationSource: String, Codable, Sendable, CaseIterable {
    /// It comes from the configuration file.
    case file
    /// It came through a socket, and the journal keeps it.
    case socket
    /// It came through a socket, and overrides one of the same name in the configuration.
    case shadowsFile = "shadows-file"
}

extension ConfigurationSource {
    package init(isInFile: Bool, isKept: Bool) {
        self = isKept ? isInFile ? .shadowsFile : .socket : isInFile ? .file : .socket
    }
}
