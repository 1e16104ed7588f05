import Foundation

/// A diagram (SVG) of a training's losses and recalls over its steps.
package struct TrainingCurve {
    /// One loss's values at some of the training's steps, which count from 1.
    package struct Loss {
        let name: String
        let points: [(step: Int, value: Double)]

        package init(_ name: String, _ points: [(step: Int, value: Double)]) {
            self.name = name
            self.points = points.filter { $0.value.isFinite }
        }
    }

    private let losses: [Loss]
    private let recalls: [(step: Int, percent: Double)]
    private let steps: Int
    private let top: Double

    private static let (width, height, margin) = (640.0, 320.0, 48.0)
    /// The colours of the loss curves, first the total loss, then its parts.
    private static let colours = [
        "#1f5fbf", "#1f8f4f", "#8f1f7f", "#7f7f1f", "#1f8f9f", "#bf1f3f", "#5f3fbf", "#9f6f3f", "#555555", "#3f9f1f",
    ]
    private static let recallColour = "#bf5f1f"

    /// Makes the diagram; `losses` has the total loss first, then its parts.
    ///
    /// `recalls` has R@1 (the share of texts whose own video ranks first), in percent, after some steps.
    package init(losses: [Loss], recalls: [(step: Int, percent: Double)] = []) {
        self.losses = losses
        self.recalls = recalls
        steps = max(1, (losses.flatMap(\.points).map(\.step) + recalls.map(\.step)).max() ?? 1)
        top = max(losses.flatMap(\.points).map(\.value).max() ?? 1, 1e-9)
    }

    package var svg: String {
        let (width, height, margin) = (Self.width, Self.height, Self.margin)
        var parts = [
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 \(Int(width)) \(Int(height))\" "
                + "font-family=\"sans-serif\" font-size=\"11\">",
            "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>",
            line([(margin, margin), (margin, height - margin), (width - margin, height - margin)], "#999"),
            text(margin - 6, y(1) + 4, String(format: "%.2f", top), anchor: "end", Self.colours[0]),
            text(margin - 6, y(0) + 4, "0", anchor: "end", Self.colours[0]),
            text(width / 2, height - 12, "\(steps) steps", anchor: "middle", "#333"),
        ]
        for (index, loss) in losses.enumerated() {
            let colour = Self.colours[index % Self.colours.count]
            let place = (margin + 120 + Double(index / 5) * 130, margin - 12 + Double(index % 5) * 12)
            parts.append(text(place.0, place.1, loss.name, anchor: "start", colour))
            parts.append(line(loss.points.map { (x($0.step), y($0.value / top)) }, colour))
        }
        if !recalls.isEmpty {
            parts += [
                text(width - margin, margin - 12, "R@1, %", anchor: "end", Self.recallColour),
                text(width - margin + 6, y(1) + 4, "100", anchor: "start", Self.recallColour),
                line(recalls.map { (x($0.step), y($0.percent / 100)) }, Self.recallColour),
            ]
        }
        return parts.joined(separator: "\n") + "\n</svg>\n"
    }

    private func x(_ step: Int) -> Double {
        Self.margin + (Self.width - 2 * Self.margin) * Double(step) / Double(steps)
    }

    private func y(_ share: Double) -> Double {
        Self.height - Self.margin - (Self.height - 2 * Self.margin) * share
    }

    private func line(_ points: [(Double, Double)], _ colour: String) -> String {
        let path = points.map { String(format: "%.1f,%.1f", $0.0, $0.1) }.joined(separator: " ")
        return "<polyline fill=\"none\" stroke=\"\(colour)\" stroke-width=\"1.5\" points=\"\(path)\"/>"
    }

    private func text(_ x: Double, _ y: Double, _ words: String, anchor: String, _ colour: String) -> String {
        "<text x=\"\(String(format: "%.1f", x))\" y=\"\(String(format: "%.1f", y))\" text-anchor=\"\(anchor)\" "
            + "fill=\"\(colour)\">\(words)</text>"
    }
}
