package import Measures

/// Writes Prometheus' text format, version 0.0.4, one metric family after the other.
package struct Exposition {
    package static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    package enum Kind: String { case counter, gauge, histogram }
    package typealias Labels = [(name: String, value: String)]

    package private(set) var text = ""

    package init() {}

    /// Writes a metric family whose samples have different labels; writes nothing if there are no samples.
    package mutating func family(_ kind: Kind, _ name: String, _ help: String, _ samples: [(Labels, Double)]) {
        guard !samples.isEmpty else { return }
        head(kind, name, help)
        for (labels, value) in samples { sample(name, labels, value) }
    }

    /// Writes a metric family with a single number and no labels.
    package mutating func value(_ kind: Kind, _ name: String, _ help: String, _ value: Double) {
        family(kind, name, help, [([], value)])
    }

    /// Writes a metric family of histograms with different labels; writes nothing if there are none.
    package mutating func histograms(_ name: String, _ help: String, _ samples: [(Labels, Histogram)]) {
        guard !samples.isEmpty else { return }
        head(.histogram, name, help)
        for (labels, histogram) in samples {
            var below: UInt64 = 0
            for (bound, count) in zip(histogram.bounds + [.infinity], histogram.counts) {
                below += count
                sample(name + "_bucket", labels + [("le", Self.number(bound))], Double(below))
            }
            sample(name + "_sum", labels, histogram.sum)
            sample(name + "_count", labels, Double(below))
        }
    }

    private mutating func head(_ kind: Kind, _ name: String, _ help: String) {
        text += "# HELP \(name) \(Self.escaped(help, quotes: false))\n# TYPE \(name) \(kind.rawValue)\n"
    }

    private mutating func sample(_ name: String, _ labels: Labels, _ value: Double) {
        text += name
        if !labels.isEmpty {
            let shown = labels.map { "\($0.name)=\"\(Self.escaped($0.value, quotes: true))\"" }
            text += "{" + shown.joined(separator: ",") + "}"
        }
        text += " \(Self.number(value))\n"
    }

    /// Escapes backslashes, line breaks and, if `quotes` is set, quotation marks, as Prometheus' format requires.
    private static func escaped(_ text: String, quotes: Bool) -> String {
        var escaped = ""
        for character in text.unicodeScalars {
            switch character {
            case "\\": escaped += "\\\\"
            case "\n": escaped += "\\n"
            case "\"" where quotes: escaped += "\\\""
            default: escaped.unicodeScalars.append(character)
            }
        }
        return escaped
    }

    private static func number(_ value: Double) -> String {
        if value == .infinity { return "+Inf" }
        if value == -.infinity { return "-Inf" }
        if value.isNaN { return "NaN" }
        return Int64(exactly: value).map { "\($0)" } ?? "\(value)"
    }
}
