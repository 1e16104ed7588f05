package import Logging

/// The section `log` of the configuration: the least level that is logged, and the format.
package struct LogSettings: Sendable, Equatable {
    package enum Format: String, Sendable, CaseIterable { case text, json }

    package var level = Logger.Level.info
    package var format = Format.text

    package init() {}
}

extension LogSettings {
    init(_ log: YAMLMapping) throws(ConfigurationError) {
        self.init()
        if let word = try log.string("level") {
            guard let known = Logger.Level(rawValue: word) else {
                let words = Logger.Level.allCases.map(\.rawValue).joined(separator: ", ")
                throw log.failure("level", "\"\(word.prefix(40))\" is none of \(words)")
            }
            level = known
        }
        if let word = try log.string("format") {
            guard let known = Format(rawValue: word) else {
                let words = Format.allCases.map(\.rawValue).joined(separator: ", ")
                throw log.failure("format", "\"\(word.prefix(40))\" is none of \(words)")
            }
            format = known
        }
    }
}
