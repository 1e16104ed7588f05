import Yams

/// The section `history`: how much of what was seen is kept, and where; `history: off` keeps none.
package struct HistoryConfiguration: Sendable, Equatable {
    /// The directory; beside the journal's snapshots, if nil, and where there is no journal's file there is no history.
    package var directory: String?
    /// Days that embeddings are kept after their own.
    package var days = 7.0
    /// Most of the disk that they take.
    package var gigabytes = 10.0
    /// Whether small pictures are kept with them.
    package var pictures = true

    package init() {}

    /// Nil for `history: off`.
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
