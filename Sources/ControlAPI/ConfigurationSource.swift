/// The origin of a standing query or a stream.
package enum ConfigurationSource: String, Codable, Sendable, CaseIterable {
    /// The query or stream comes from the configuration file.
    case file
    /// The query or stream came through a socket, and the journal keeps it.
    case socket
    /// The query or stream came through a socket, and overrides one of the same name in the configuration.
    case shadowsFile = "shadows-file"
}

extension ConfigurationSource {
    package init(isInFile: Bool, isKept: Bool) {
        self = isKept ? isInFile ? .shadowsFile : .socket : isInFile ? .file : .socket
    }
}
