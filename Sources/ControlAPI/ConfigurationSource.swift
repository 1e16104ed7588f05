/// The origin of a standing query (one that is watched for continuously) or of a stream.
package enum ConfigurationSource: String, Codable, Sendable, CaseIterable {
    /// The query or stream is from the daemon's configuration file.
    case file
    /// The query or stream was added by a request, and is saved in the journal.
    case socket
    /// The query or stream was added by a request, and overrides one of the same name in the configuration file.
    case shadowsFile = "shadows-file"
}

extension ConfigurationSource {
    package init(isInFile: Bool, isKept: Bool) {
        self = isKept ? isInFile ? .shadowsFile : .socket : isInFile ? .file : .socket
    }
}
