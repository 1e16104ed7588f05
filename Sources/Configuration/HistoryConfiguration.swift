import Yams

/// The section `history` of the configuration: how long recorded embeddings are kept, and where.
///
/// They are used for searches and backtests; `history: off` records nothing.
package struct HistoryConfiguration: Sendable, Equatable {
    /// The history's directory; nil means beside the journal's pictures, or no history if the journal is in memory.
    package var directory: String?
    /// The number of days for which embeddings are kept.
    package var days = 7.0
    /// The greatest disk space of the embeddings, in gigabytes.
    package var gigabytes = 10.0
    /// True if small pictures of the frames are kept, too.
    package var pictures = true

    package init() {}

    /// Reads the section `history`; returns nil for `history: off`, and the defaults without the section.
    static func read(_ root: YAMLMapping, path: String) throws(ConfigurationError) -> HistoryConfiguration? {
        var settings = HistoryConfiguration()
        guard let node = root.node("history") else { return settings }
        if let isOn = node.truth { return isOn ? settings : nil }
        let values = try YAMLMapping(
            node, path: path, what: "history", keys: ["directory", "days", "gigabytes", "pictures"])
        settings.directory = try values.string("directory")
        settings.days = try values.double("days") ?? settings.days
        settings.gigabytes = try values.double("gigabytes") ?? settings.gigabytes
        settings.pictures = try values.bool("pictures") ?? settings.pictures
        for (key, value, most) in [("days", settings.days, 3650.0), ("gigabytes", settings.gigabytes, 100_000)] {
            guard value > 0, value <= most else {
                throw values.failure(key, "expected a number above 0 and up to \(Int(most)), found \(value)")
            }
        }
        return settings
    }
}
