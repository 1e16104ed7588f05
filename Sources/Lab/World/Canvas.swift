import Foundation

/// An RGB picture that shapes are painted on.
package struct Canvas: Sendable {
    package let width: Int
    package let height: Int
    /// The red, green and blue bytes of all pixels, row by row without gaps.
    package var pixels: [UInt8]

    package init(width: Int, height: Int, pixels: [UInt8]) {
        precondition(pixels.count == width * height * 3)
        (self.width, self.height, self.pixels) = (width, height, pixels)
    }

    /// Fills the area enclosed by closed outlines with a colour (even-odd rule); the edges are soft.
    ///
    /// Points are in pixels, with (0, 0) at the centre of the first pixel, and are rounded to sixteenths. The result
    /// resembles OpenCV's `fillPoly` with `LINE_AA`.
    mutating func fill(_ outlines: [[Point]], _ colour: RGB) {
        let outlines = outlines.map {
            $0.map { Point(($0.x * 16).rounded(.toNearestOrEven) / 16, ($0.y * 16).rounded(.toNearestOrEven) / 16) }
        }
        let points = outlines.joined()
        guard let left = points.map(\.x).min(), let right = points.map(\.x).max(), let top = points.map(\.y).min(),
            let bottom = points.map(\.y).max()
        else { return }
        let xs = max(Int(left) - 2, 0)..<min(Int(right) + 4, width)
        let ys = max(Int(top) - 2, 0)..<min(Int(bottom) + 4, height)
        guard !xs.isEmpty, !ys.isEmpty else { return }
        var coverage = Coverage(xs: xs, ys: ys)
        for outline in outlines {
            for (index, point) in outline.enumerated() {
                coverage.draw(from: point, to: outline[(index + 1) % outline.count])
            }
        }
        coverage.fill(outlines)
        blend(coverage, colour.map { $0.rounded(.towardZero) })
    }

    /// Returns the x positions at which the horizontal line at `y` crosses the outlines, from left to right.
    static func crossings(of outlines: [[Point]], at y: Double) -> [Double] {
        var crossings: [Double] = []
        for outline in outlines {
            var a = outline[outline.count - 1]
            for b in outline {
                if (a.y <= y) != (b.y <= y) { crossings.append(a.x + (y - a.y) / (b.y - a.y) * (b.x - a.x)) }
                a = b
            }
        }
        crossings.sort()
        return crossings
    }

    private mutating func blend(_ coverage: Coverage, _ colour: RGB) {
        let levels = [Float(colour.r), Float(colour.g), Float(colour.b)]
        var index = 0
        for y in coverage.ys {
            var place = (y * width + coverage.xs.lowerBound) * 3
            for _ in coverage.xs {
                let alpha = coverage.values[index]
                if alpha > 0 {
                    for channel in 0..<3 {
                        let below = Float(pixels[place + channel])
                        pixels[place + channel] = UInt8((below + (levels[channel] - below) * alpha).rounded())
                    }
                }
                index += 1
                place += 3
            }
        }
    }
}

/// How much of each pixel in a rectangle is painted, from 0 to 1.
private struct Coverage {
    let xs: Range<Int>
    let ys: Range<Int>
    var values: [Float]

    init(xs: Range<Int>, ys: Range<Int>) {
        (self.xs, self.ys) = (xs, ys)
        values = [Float](repeating: 0, count: xs.count * ys.count)
    }

    /// The distance in pixels within which an edge's soft line affects pixels.
    private static let reach = 1.6

    mutating func draw(from a: Point, to b: Point) {
        let (reach, along) = (Self.reach, b - a)
        let squared = along.x * along.x + along.y * along.y
        let columns = clamp(min(a.x, b.x) - reach, max(a.x, b.x) + reach, xs)
        for y in clamp(min(a.y, b.y) - reach, max(a.y, b.y) + reach, ys) {
            for x in columns {
                let toPixel = Point(Double(x), Double(y)) - a
                let share = squared > 0 ? (toPixel.x * along.x + toPixel.y * along.y) / squared : 0
                let near = min(max(share, 0), 1)
                let (dx, dy) = (toPixel.x - along.x * near, toPixel.y - along.y * near)
                let distance = dx * dx + dy * dy
                guard distance < reach * reach else { continue }
                let index = (y - ys.lowerBound) * xs.count + x - xs.lowerBound
                values[index] = max(values[index], Float(exp(-distance / 0.55)))
            }
        }
    }

    private func clamp(_ low: Double, _ high: Double, _ range: Range<Int>) -> Range<Int> {
        let first = max(Int(low.rounded(.up)), range.lowerBound)
        return first..<max(first, min(Int(high.rounded(.down)) + 1, range.upperBound))
    }

    mutating func fill(_ outlines: [[Point]]) {
        for y in ys {
            let crossings = Canvas.crossings(of: outlines, at: Double(y))
            for pair in stride(from: 0, to: crossings.count - 1, by: 2) {
                for x in clamp(crossings[pair], crossings[pair + 1], xs) {
                    values[(y - ys.lowerBound) * xs.count + x - xs.lowerBound] = 1
                }
            }
        }
    }
}
