package import Measures

/// Writes Prometheus' text format, version 0.0.4, family by family.
package struct Exposition {
    package static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    package enum Kind: String { case counter, gauge, histogram }
    package typealias Labels = [(name: String, value: String)]

    package private(set) var text = ""

    package init() {}

    /// Writes a family of samples with different labels; nothing without samples.
    package mutating func family(_ kind: Kind, _ name: String, _ help: String, _ samples: [(Labels, Double)]) {
        guard !samples.isEmpty else { return }
        head(kind, name, help)
        for (labels, value) in samples { sample(name, labels, value) }
    }

    /// Writes a family of one number.
    package mutating func value(_ kind: Kind, _ name: String, _ help: String, _ value: Double) {
        family(kind, name, help, [([], value)])
    }

    /// Writes a family of histograms with different labels.
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

    /// Escapes backslashes, new lines and, in a label, quotation marks.
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
