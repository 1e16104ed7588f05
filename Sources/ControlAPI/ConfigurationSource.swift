/// Origin of a standing query or a stream.
package enum ConfigurationSource: String, Codable, Sendable, CaseIterable {
    /// The configuration.
    case file
    /// A socket; the journal keeps it.
    case socket
    /// A socket; the configuration has another of the same name, which is not in force.
    case shadowsFile = "shadows-file"
}

extension ConfigurationSource {
    package init(isInFile: Bool, isKept: Bool) {
        self = isKept ? isInFile ? .shadowsFile : .socket : isInFile ? .file : .socket
    }
}
