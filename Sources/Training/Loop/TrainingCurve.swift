import Foundation

/// Loss and recall of a training as a drawing (SVG).
package enum TrainingCurve {
    /// `losses`: of every step; `recalls`: R@1 in percent after each epoch, where it was measured.
    package static func svg(losses: [Double], stepsPerEpoch: Int, recalls: [Double?]) -> String {
        let (width, height, margin) = (640.0, 320.0, 48.0)
        let steps = Double(max(losses.count, 1))
        let top = max(losses.filter(\.isFinite).max() ?? 1, 1e-9)
        func x(_ step: Double) -> Double { margin + (width - 2 * margin) * step / steps }
        func y(_ share: Double) -> Double { height - margin - (height - 2 * margin) * share }
        func line(_ points: [(Double, Double)], _ colour: String) -> String {
            let path = points.map { String(format: "%.1f,%.1f", $0.0, $0.1) }.joined(separator: " ")
            return "<polyline fill=\"none\" stroke=\"\(colour)\" stroke-width=\"1.5\" points=\"\(path)\"/>"
        }
        func text(_ x: Double, _ y: Double, _ words: String, anchor: String, colour: String = "#333") -> String {
            String(
                format: "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%@\" fill=\"%@\">%@</text>", x, y, anchor, colour,
                words)
        }
        let lossPoints = losses.enumerated().filter { $0.element.isFinite }.map { (x(Double($0) + 1), y($1 / top)) }
        let recallPoints = recalls.enumerated().compactMap { epoch, recall in
            recall.map { (x(Double((epoch + 1) * stepsPerEpoch)), y($0 / 100)) }
        }
        var parts = [
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 \(Int(width)) \(Int(height))\" "
                + "font-family=\"sans-serif\" font-size=\"11\">",
            "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>",
            line([(margin, margin), (margin, height - margin), (width - margin, height - margin)], "#999"),
            text(margin - 6, y(1) + 4, String(format: "%.2f", top), anchor: "end", colour: "#1f5fbf"),
            text(margin - 6, y(0) + 4, "0", anchor: "end", colour: "#1f5fbf"),
            text(width / 2, height - 12, "\(losses.count) steps, \(recalls.count) epochs", anchor: "middle"),
            text(margin, margin - 12, "loss", anchor: "start", colour: "#1f5fbf"), line(lossPoints, "#1f5fbf"),
        ]
        if !recallPoints.isEmpty {
            parts += [
                text(width - margin, margin - 12, "R@1, %", anchor: "end", colour: "#bf5f1f"),
                text(width - margin + 6, y(1) + 4, "100", anchor: "start", colour: "#bf5f1f"),
                line(recallPoints, "#bf5f1f"),
            ]
        }
        return parts.joined(separator: "\n") + "\n</svg>\n"
    }
}
