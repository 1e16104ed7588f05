import CKernels

/// Resizes frames for CLIP: shortest side to `side` by antialiased bicubic, then the centre square.
///
/// Equal to Pillow's `BICUBIC` over libswscale's RGB in every bit (CLIP4CLIP section 8). Keeps the coefficients of the last
/// geometry, so one resizer serves one stream, on one thread.
package final class Resizer {
    package let side: Int
    private var plan: Plan?
    private var scratch: [UInt8] = []

    package init(side: Int) {
        precondition(side > 0)
        self.side = side
    }

    package func picture(_ frame: DecodedFrame) -> Picture {
        let plan: Plan
        if let last = self.plan, last.width == frame.width, last.height == frame.height {
            plan = last
        } else {
            plan = Plan(width: frame.width, height: frame.height, side: side)
            self.plan = plan
            scratch = []
        }
        let rgb = [UInt8](unsafeUninitializedCapacity: side * side * 3) { out, count in
            plan.horizontal.withAxis { horizontal in
                plan.vertical.withAxis { vertical in
                    var (planes, crop, h, v) = (frame.planes, plan.crop, horizontal, vertical)
                    if scratch.isEmpty {
                        scratch = [UInt8](repeating: 0, count: ww_resample_scratch(&crop, &h, &v))
                    }
                    ww_resample(out.baseAddress, &scratch, &planes, &crop, &h, &v)
                }
            }
            count = side * side * 3
        }
        return Picture(side: side, rgb: rgb)
    }
}

/// The coefficients for one size of frame.
private struct Plan {
    let width: Int
    let height: Int
    let horizontal: Axis
    let vertical: Axis

    init(width: Int, height: Int, side: Int) {
        self.width = width
        self.height = height
        let short = min(width, height)
        // int(side * long / short): a division of floats, cut off.
        func resized(_ length: Int) -> Int { length == short ? side : Int(Double(side * length) / Double(short)) }
        func offset(_ length: Int) -> Int { Int((Double(length - side) / 2).rounded(.toNearestOrEven)) }
        let (w, h) = (resized(width), resized(height))
        horizontal = Axis(input: width, output: w, wanted: offset(w)..<offset(w) + side)
        vertical = Axis(input: height, output: h, wanted: offset(h)..<offset(h) + side)
    }

    /// What is read of a frame; from an even column, since two columns share their chroma.
    var crop: ww_crop {
        let column = horizontal.span.lowerBound / 2 * 2
        return ww_crop(
            column0: Int32(column), columns: Int32(horizontal.span.upperBound - column),
            row0: Int32(vertical.span.lowerBound), rows: Int32(vertical.span.count))
    }
}

/// Pillow's fixed-point coefficients of one axis, for the outputs that the crop keeps.
private struct Axis {
    private var first: [Int32] = []
    private var weights: [Int32] = []
    private let stride: Int
    /// Inputs that are read at all.
    private(set) var span: Range<Int>

    init(input: Int, output: Int, wanted: Range<Int>) {
        let scale = Double(input) / Double(output)
        let w = max(scale, 1)
        // Whole vectors: the rest of a row is weighted with 0.
        stride = (Int((2 * w).rounded(.up)) * 2 + 1 + 15) / 16 * 16
        span = 0..<0
        var lowest = input
        var highest = 0
        for o in wanted {
            let centre = (Double(o) + 0.5) * scale
            let start = max(0, Int(centre - 2 * w + 0.5))
            let end = min(input, Int(centre + 2 * w + 0.5))
            let raw = (start..<end).map { Self.cubic((Double($0) - centre + 0.5) / w) }
            let sum = raw.reduce(0, +)
            first.append(Int32(start))
            var row = raw.map { Int32(($0 / sum * 4_194_304).rounded(.toNearestOrAwayFromZero)) }
            row += [Int32](repeating: 0, count: stride - row.count)
            weights += row
            lowest = min(lowest, start)
            highest = max(highest, end)
        }
        span = lowest..<highest
    }

    /// Keys' cubic kernel with a = -0.5.
    private static func cubic(_ value: Double) -> Double {
        let a = -0.5
        let x = abs(value)
        if x < 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
        if x < 2 { return (((x - 5) * x + 8) * x - 4) * a }
        return 0
    }

    func withAxis(_ body: (ww_axis) -> Void) {
        first.withUnsafeBufferPointer { first in
            weights.withUnsafeBufferPointer { weights in
                body(
                    ww_axis(
                        first: first.baseAddress, weights: weights.baseAddress, stride: Int32(stride),
                        count: Int32(first.count)))
            }
        }
    }
}
