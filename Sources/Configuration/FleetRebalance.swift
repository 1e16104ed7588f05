extension FleetConfiguration {
    /// The part `rebalance` of the section `fleet`: when streams move from a loaded node to one with more room.
    ///
    /// The fleet obeys the limits of the node that is the planner. `rebalance: off` moves no stream.
    package struct Rebalance: Sendable, Equatable {
        /// The difference of two nodes' loads above which a stream moves, as a share of a node's cores.
        package var above = 0.15
        /// The seconds for which the load must be uneven before a stream moves.
        package var after = 60.0
        /// The fewest seconds between two moves.
        package var every = 30.0

        /// The seconds for which a stream that was moved stays where it is.
        package static let rest = 900.0

        package init() {}

        /// Reads the part `rebalance`; returns nil for `rebalance: off`, and the defaults without it.
        static func read(_ section: YAMLMapping) throws(ConfigurationError) -> Rebalance? {
            var settings = Rebalance()
            if let isOn = section.node("rebalance")?.truth { return isOn ? settings : nil }
            guard let values = try section.mapping("rebalance", keys: ["above", "after", "every"]) else {
                return settings
            }
            if let percent = try values.double("above") {
                guard percent >= 1, percent <= 70 else {
                    throw values.failure("above", "expected 1 to 70 percent of a node's cores, found \(percent)")
                }
                settings.above = percent / 100
            }
            settings.after = try values.double("after") ?? settings.after
            settings.every = try values.double("every") ?? settings.every
            for (key, value) in [("after", settings.after), ("every", settings.every)] {
                guard value >= 1, value <= 86_400 else {
                    throw values.failure(key, "expected 1 to 86400 seconds, found \(value)")
                }
            }
            return settings
        }
    }
}
