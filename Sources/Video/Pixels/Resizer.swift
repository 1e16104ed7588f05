import CKernels
import Foundation

/// Scales and crops frames to square pictures for the image encoder, as a `Framing` says.
///
/// The result equals Pillow's filters over libswscale's RGB in every bit (docs/MATHEMATICS.md, section 8). A resizer
/// caches the coefficients of the last frame size, so one serves one stream, on one thread.
package final class Resizer {
    package let framing: Framing
    package var side: Int { framing.side }
    private var plan: Plan?
    private var scratch: [UInt8] = []

    package convenience init(side: Int) { self.init(Framing(side: side)) }

    package init(_ framing: Framing) { self.framing = framing }

    package func picture(_ frame: DecodedFrame) -> Picture {
        let plan: Plan
        if let last = self.plan, last.fits(frame) {
            plan = last
        } else {
            plan = Plan(frame, framing)
            self.plan = plan
            scratch = []
        }
        let (columns, rows) = (plan.columns, plan.rows)
        let size = columns.range.count * rows.range.count * 3
        let rgb = [UInt8](unsafeUninitializedCapacity: size) { out, count in
            plan.horizontal.withAxis { horizontal in
                plan.vertical.withAxis { vertical in
                    var (planes, crop, h, v) = (frame.planes, plan.crop, horizontal, vertical)
                    if scratch.isEmpty {
                        scratch = [UInt8](repeating: 0, count: ww_resample_scratch(&crop, &h, &v))
                    }
                    ww_resample(out.baseAddress, &scratch, &planes, &crop, &h, &v)
                }
            }
            count = size
        }
        return Picture(side: side, rgb: size == side * side * 3 ? rgb : padded(rgb, plan))
    }

    /// Puts the scaled frame in the middle of a square picture of the padding's colour.
    private func padded(_ rgb: [UInt8], _ plan: Plan) -> [UInt8] {
        let width = plan.columns.range.count * 3
        let fill = framing.fill
        var out = [UInt8]((0..<side * side).lazy.flatMap { _ in fill })
        for row in 0..<plan.rows.range.count {
            let start = ((plan.rows.place + row) * side + plan.columns.place) * 3
            out.replaceSubrange(start..<start + width, with: rgb[row * width..<(row + 1) * width])
        }
        return out
    }
}

/// The filter coefficients for frames of one size.
private struct Plan {
    private let width: Int
    private let height: Int
    private let pixelAspect: Double
    let horizontal: Axis
    let vertical: Axis
    /// The range of scaled columns that are kept, and their place in the square picture; `rows` is the same for rows.
    let columns: (range: Range<Int>, place: Int)
    let rows: (range: Range<Int>, place: Int)

    init(_ frame: DecodedFrame, _ framing: Framing) {
        (width, height, pixelAspect) = (frame.width, frame.height, frame.pixelAspect)
        let shown = frame.shownSize
        let (w, h) = framing.scaled(width: shown.width, height: shown.height)
        (columns, rows) = (framing.kept(of: w), framing.kept(of: h))
        // The coefficients lead from the stored samples directly to the displayed pixels, so that one pass does both.
        horizontal = Axis(input: frame.width, output: w, wanted: columns.range, framing.filter)
        vertical = Axis(input: frame.height, output: h, wanted: rows.range, framing.filter)
    }

    func fits(_ frame: DecodedFrame) -> Bool {
        width == frame.width && height == frame.height && pixelAspect == frame.pixelAspect
    }

    /// The part of a frame that is read; it begins at an even column, since two columns share their chroma.
    var crop: ww_crop {
        let column = horizontal.span.lowerBound / 2 * 2
        return ww_crop(
            column0: Int32(column), columns: Int32(horizontal.span.upperBound - column),
            row0: Int32(vertical.span.lowerBound), rows: Int32(vertical.span.count))
    }
}

/// Pillow's fixed-point filter coefficients along one axis, for the output pixels that the crop keeps.
private struct Axis {
    private var first: [Int32] = []
    private var weights: [Int32] = []
    private let stride: Int
    /// The range of input pixels that have a coefficient.
    private(set) var span: Range<Int>

    init(input: Int, output: Int, wanted: Range<Int>, _ filter: Framing.Filter) {
        let scale = Double(input) / Double(output)
        let w = max(scale, 1)
        let reach = filter.reach * w
        // The length is a multiple of 16, for whole SIMD vectors; the rest of each row has the weight 0.
        stride = (Int(reach.rounded(.up)) * 2 + 1 + 15) / 16 * 16
        span = 0..<0
        var lowest = input
        var highest = 0
        for o in wanted {
            let centre = (Double(o) + 0.5) * scale
            let start = max(0, Int(centre - reach + 0.5))
            let end = min(input, Int(centre + reach + 0.5))
            let raw = (start..<end).map { filter.weight((Double($0) - centre + 0.5) * (1 / w)) }
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

extension Framing.Filter {
    /// Returns the filter's kernel at `x`, as in Pillow's `Resample.c`.
    fileprivate func weight(_ x: Double) -> Double {
        let distance = abs(x)
        switch self {
        case .bicubic:
            // Keys' cubic kernel with a = -0.5.
            let a = -0.5
            if distance < 1 { return ((a + 2) * distance - (a + 3)) * distance * distance + 1 }
            return distance < 2 ? (((distance - 5) * distance + 8) * distance - 4) * a : 0
        case .bilinear: return max(0, 1 - distance)
        case .box: return x > -0.5 && x <= 0.5 ? 1 : 0
        case .hamming:
            if distance == 0 { return 1 }
            return distance < 1 ? sin(x * .pi) / (x * .pi) * (0.54 + 0.46 * cos(x * .pi)) : 0
        case .lanczos:
            func sinc(_ x: Double) -> Double { x == 0 ? 1 : sin(x * .pi) / (x * .pi) }
            return x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0
        }
    }
}
