import Foundation
import SystemSupport

/// The background of a generated scene: two colours and a pattern that mixes them.
package struct Background: Sendable, Equatable {
    package enum Kind: Int, CaseIterable, Sendable {
        case plain, graded, vignette, cloudy, floorAndWall, tiled
    }

    package var kind: Kind
    package var first: RGB
    package var second: RGB
    /// The random seed of the cloud and tile patterns.
    package var seed: UInt64
    package var angle: Double
    /// The share of the second colour where the pattern is strongest, in 0...1.
    package var amplitude: Double
    /// The 6 x 8 grid of levels (0 to 1) that the cloud pattern is interpolated from; nil derives it from `seed`.
    package var clouds: [Float]?

    package init(
        kind: Kind, first: RGB, second: RGB, seed: UInt64, angle: Double, amplitude: Double, clouds: [Float]? = nil
    ) {
        (self.kind, self.first, self.second) = (kind, first, second)
        (self.seed, self.angle, self.amplitude, self.clouds) = (seed, angle, amplitude, clouds)
    }

    static func random(_ random: inout SeededRandom) -> Background {
        let k = random.unit()
        var base: RGB
        if k < 0.7 {
            let range = k < 0.25 ? (40.0, 75.0) : k < 0.5 ? (85, 150) : (180, 215)
            let level = random.uniform(range.0, range.1)
            base = RGB(level, level, level)
        } else {  // a muted colour
            let level = random.uniform(60, 190)
            base = RGB(level, level, level).map { $0 + random.uniform(-26, 26) }
        }
        base = base.map { min(220, max(36, $0 + random.uniform(-8, 8))) }
        let step = random.choice([-1, 1]) * random.uniform(12, 55)
        let other = base.map { min(225, max(34, $0 + step + random.uniform(-8, 8))) }
        return Background(
            kind: random.choice(Kind.allCases, weights: [3, 3, 1.5, 2, 1.5, 1]), first: base, second: other,
            seed: UInt64(random.below(1 << 30)), angle: random.uniform(0, 2 * .pi),
            amplitude: random.uniform(0.4, 1))
    }

    /// Returns true if an object of this colour is clearly visible everywhere on the background.
    func contrasts(_ colour: RGB) -> Bool { min(first.distance(colour), second.distance(colour)) >= 62 }

    /// Draws the background only, without objects; returns RGB bytes `[height, width, 3]`.
    ///
    /// `margin` is the width of the strip to the left of the picture's central square, in units of the height.
    package func picture(width: Int, height: Int, margin: Double) -> [UInt8] {
        let clouds = kind == .cloudy ? cloudPattern(width: width, height: height, wide: margin != 0) : []
        let (from, step) = (first, RGB(second.r - first.r, second.g - first.g, second.b - first.b))
        var pixels = [UInt8](repeating: 0, count: width * height * 3)
        var place = 0
        for row in 0..<height {
            let y = Double(row) / Double(height)
            for column in 0..<width {
                let x = Double(column) / Double(height) - margin
                let t = (kind == .cloudy ? Double(clouds[row * width + column]) : pattern(x, y)) * amplitude
                pixels[place] = level(from.r + step.r * t)
                pixels[place + 1] = level(from.g + step.g * t)
                pixels[place + 2] = level(from.b + step.b * t)
                place += 3
            }
        }
        return pixels
    }

    private func level(_ value: Double) -> UInt8 { UInt8(min(max(value, 0), 255)) }

    private func pattern(_ x: Double, _ y: Double) -> Double {
        switch kind {
        case .plain: 0
        case .graded: min(max((x - 0.5) * cos(angle) + (y - 0.5) * sin(angle) + 0.5, 0), 1)
        case .vignette: min(max(((x - 0.5) * (x - 0.5) + (y - 0.5) * (y - 0.5)) * 1.6, 0), 1)
        case .floorAndWall: y > 0.45 + 0.25 * sin(angle) ? 1 : 0
        case .tiled: tiles(x, y)
        case .cloudy: 0
        }
    }

    private func tiles(_ x: Double, _ y: Double) -> Double {
        let frequency = 20 + 20 * abs(cos(angle))
        return 0.5 + (seed % 2 == 1 ? 0.25 * sin(x * frequency) : 0) + 0.25 * sin(y * frequency)
    }

    /// Returns the cloud pattern `[height, width]`: a coarse grid of levels, enlarged by cubic interpolation.
    ///
    /// `wide` is true for pictures wider than high; a square picture uses the middle six of the grid's eight columns.
    private func cloudPattern(width: Int, height: Int, wide: Bool) -> [Float] {
        var random = SeededRandom(seed: seed)
        let grid = clouds ?? (0..<48).map { _ in Float(random.unit()) }
        let columns = wide ? 0..<8 : 1..<7
        let (across, down) = (Self.cubic(from: columns.count, to: width), Self.cubic(from: 6, to: height))
        var rows: [[Float]] = []
        for row in 0..<6 {
            rows.append(
                across.map { taps in
                    taps.reduce(0) { $0 + $1.weight * grid[row * 8 + columns.lowerBound + $1.index] }
                })
        }
        var out: [Float] = []
        out.reserveCapacity(width * height)
        for taps in down {
            for column in 0..<width {
                let value = taps.reduce(Float(0)) { $0 + $1.weight * rows[$1.index][column] }
                out.append(min(max(value, 0), 1))
            }
        }
        return out
    }

    /// Returns, for each of `to` outputs, the four inputs and weights of a cubic interpolation of `from` inputs.
    ///
    /// It matches OpenCV's cubic interpolation (a = -0.75) with repeated edges.
    private static func cubic(from: Int, to: Int) -> [[(index: Int, weight: Float)]] {
        (0..<to).map { output in
            let place = (Double(output) + 0.5) * Double(from) / Double(to) - 0.5
            let base = place.rounded(.down)
            let x = place - base
            let a = -0.75
            let outer0 = ((a * (x + 1) - 5 * a) * (x + 1) + 8 * a) * (x + 1) - 4 * a
            let inner0 = ((a + 2) * x - (a + 3)) * x * x + 1
            let inner1 = ((a + 2) * (1 - x) - (a + 3)) * (1 - x) * (1 - x) + 1
            let weights = [outer0, inner0, inner1, 1 - outer0 - inner0 - inner1]
            return weights.enumerated().map { offset, weight in
                (min(max(Int(base) - 1 + offset, 0), from - 1), Float(weight))
            }
        }
    }
}
