import Foundation
import SystemSupport

/// The shapes of objects in generated scenes, each with a fixed outline.
package enum Shape: Int, CaseIterable, Sendable {
    case circle, square, triangle, star, cross, ring, heart

    package var name: String { "\(self)" }

    /// The number of rotations that leave the shape unchanged in a full turn; 0 if every rotation does.
    package var symmetry: Int { [0, 4, 3, 5, 4, 0, 1][rawValue] }

    /// The shape's closed outlines around the origin, of radius about 1, y downwards.
    ///
    /// The area is filled by the even-odd rule, so that a ring has a hole.
    package var outlines: [[Point]] { Self.allOutlines[rawValue] }

    private static let allOutlines = allCases.map { $0.makeOutlines() }

    private func makeOutlines() -> [[Point]] {
        let round = (0..<40).map { 2 * Double.pi * Double($0) / 40 }
        let disc = round.map { Point(cos($0), sin($0)) }
        switch self {
        case .circle: return [disc.map { $0 * 0.95 }]
        case .ring: return [disc, disc.map { $0 * 0.56 }]
        case .square: return [[Point(-1, -1), Point(1, -1), Point(1, 1), Point(-1, 1)].map { $0 * 0.82 }]
        case .triangle:
            return [[-90.0, 30, 150].map { Point(cos($0 * .pi / 180), sin($0 * .pi / 180)) * 1.12 }]
        case .star:
            let spikes = (0..<10).map { index in
                let angle = (Double(index) * 36 - 90) * .pi / 180
                return Point(cos(angle), sin(angle)) * (index % 2 == 0 ? 1.12 : 0.46)
            }
            return [spikes]
        case .cross:
            let w = 0.33
            let corners = [
                (-w, -1), (w, -1), (w, -w), (1, -w), (1, w), (w, w), (w, 1), (-w, 1), (-w, w), (-1, w), (-1, -w),
                (-w, -w),
            ]
            return [corners.map { Point($0.0, $0.1) }]
        case .heart:
            let curve = round.map { t in
                let y = -(13 * cos(t) - 5 * cos(2 * t) - 2 * cos(3 * t) - cos(4 * t))
                return Point(16 * pow(sin(t), 3), y + 2) * (1 / 15.5)
            }
            return [curve]
        }
    }
}

/// The colours of objects that captions can name.
package enum Colour: Int, CaseIterable, Sendable {
    case red, green, blue, yellow, orange, purple, white, black, pink

    package var name: String { "\(self)" }

    package var rgb: RGB {
        switch self {
        case .red: RGB(220, 38, 38)
        case .green: RGB(38, 165, 60)
        case .blue: RGB(40, 75, 220)
        case .yellow: RGB(242, 222, 45)
        case .orange: RGB(245, 135, 25)
        case .purple: RGB(135, 45, 175)
        case .white: RGB(246, 246, 246)
        case .black: RGB(16, 16, 18)
        case .pink: RGB(250, 130, 190)
        }
    }

    /// Returns the colour with each channel moved at random by up to 16 levels.
    func jittered(_ random: inout SeededRandom) -> RGB {
        rgb.map { min(255, max(0, $0 + random.uniform(-16, 16))) }
    }
}

/// A named size of an object; its radius is a share of the picture's height.
package enum Size: Int, CaseIterable, Sendable {
    case small, big

    package var name: String { "\(self)" }
    static let smallBelow = 0.150
    static let bigAbove = 0.175

    /// Makes the named size of a radius; nil for a radius between small and big.
    init?(radius: Double) {
        if radius < Self.smallBelow { self = .small } else if radius > Self.bigAbove { self = .big } else { return nil }
    }

    static func random(_ random: inout SeededRandom) -> Double {
        random.chance(0.5) ? random.uniform(0.105, 0.14) : random.uniform(0.185, 0.23)
    }
}

/// A colour as levels of red, green and blue, 0 to 255.
package struct RGB: Sendable, Equatable {
    package var r, g, b: Double

    package init(_ r: Double, _ g: Double, _ b: Double) { (self.r, self.g, self.b) = (r, g, b) }

    func map(_ transform: (Double) -> Double) -> RGB { RGB(transform(r), transform(g), transform(b)) }

    /// Returns the largest difference between two colours in any channel.
    func distance(_ other: RGB) -> Double { max(abs(r - other.r), abs(g - other.g), abs(b - other.b)) }
}

package struct Point: Sendable, Equatable {
    package var x, y: Double

    package init(_ x: Double, _ y: Double) { (self.x, self.y) = (x, y) }

    static func * (point: Point, factor: Double) -> Point { Point(point.x * factor, point.y * factor) }
    static func - (a: Point, b: Point) -> Point { Point(a.x - b.x, a.y - b.y) }
    var length: Double { (x * x + y * y).squareRoot() }
}
