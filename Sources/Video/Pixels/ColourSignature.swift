import CKernels

/// The mean colours of a grid of blocks over a frame's centre square, to detect changes between frames.
///
/// Computing it takes a hundredth of the time of embedding the picture. It includes chroma, since a thing can turn from
/// red to blue without changing its brightness.
package struct ColourSignature: Sendable, Equatable {
    /// The number of blocks along each side of the frame's centre square.
    package static let grid = 24
    private let means: [Float]

    package init(_ frame: DecodedFrame) {
        means = [Float](unsafeUninitializedCapacity: 3 * Self.grid * Self.grid) { out, count in
            var planes = frame.planes
            var row = [UInt8](repeating: 0, count: 3 * min(frame.width, frame.height))
            ww_signature(
                out.baseAddress, &row, &planes, Int32(frame.width), Int32(frame.height), Int32(Self.grid))
            count = 3 * Self.grid * Self.grid
        }
    }

    /// Returns the change of the block that changed most, in levels of 0 to 255.
    package func difference(from other: ColourSignature) -> Float {
        zip(means, other.means).reduce(0) { max($0, abs($1.0 - $1.1)) }
    }
}
