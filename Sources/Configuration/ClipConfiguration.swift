import StreamSources
import Yams

extension ClipSettings {
    /// Reads the section `clips` (video clips of events); nil without the section, or for `clips: off`.
    static func read(_ root: YAMLMapping, path: String) throws(ConfigurationError) -> ClipSettings? {
        guard let node = root.node("clips") else { return nil }
        var settings = ClipSettings()
        if let isOn = node.truth { return isOn ? settings : nil }
        let values = try YAMLMapping(
            node, path: path, what: "clips",
            keys: ["before", "after", "max", "ring_megabytes", "days", "gigabytes", "directory"])
        func number(
            _ key: String, _ standard: Double, _ range: ClosedRange<Double>
        ) throws(ConfigurationError) -> Double {
            guard let value = try values.double(key) else { return standard }
            guard range.contains(value) else {
                throw values.failure(key, "expected \(range.lowerBound) to \(range.upperBound), found \(value)")
            }
            return value
        }
        settings.before = try number("before", settings.before, 0...60)
        settings.after = try number("after", settings.after, 0...600)
        settings.longest = try number("max", settings.longest, 1...3600)
        settings.ringMegabytes = try number("ring_megabytes", settings.ringMegabytes, 0.5...256)
        settings.days = try number("days", settings.days, 0.01...3650)
        settings.gigabytes = try number("gigabytes", settings.gigabytes, 0.01...100_000)
        settings.directory = try values.string("directory")
        return settings
    }
}
