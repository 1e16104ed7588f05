/// The way in which a frame becomes the image encoder's square picture: scaling, filter, and crop or padding.
///
/// Sizes are those of torchvision, transformers and OpenCLIP, filters those of Pillow.
package struct Framing: Sendable, Hashable {
    package enum Fit: Sendable, Hashable {
        /// The short side is scaled to this length in pixels; then the centre square is cut out.
        case shortest(Int)
        /// Both sides are scaled to this length in pixels, at any aspect ratio; then the centre square is cut out.
        case squash(Int)
        /// The long side is scaled to the square's side; the rest is padded with the colour `fill`.
        case longest
    }

    /// The resampling filters of Pillow that antialias.
    package enum Filter: String, Sendable, Hashable, CaseIterable {
        case bicubic, bilinear, lanczos, box, hamming

        /// The half width of the filter's kernel in input pixels at scale 1 (Pillow's `support`).
        var reach: Double {
            switch self {
            case .bicubic: 2
            case .bilinear, .hamming: 1
            case .lanczos: 3
            case .box: 0.5
            }
        }
    }

    /// The rounding of the crop's offset if the number of pixels to cut off is odd.
    package enum CropRounding: String, Sendable, Hashable {
        /// Halves are rounded to the even number: torchvision, OpenAI's CLIP, OpenCLIP.
        case halfEven = "half-even"
        /// Halves are rounded down: transformers.
        case down
    }

    /// The side of the square picture in pixels.
    package var side: Int
    package var fit: Fit
    package var filter: Filter
    package var cropRounding: CropRounding
    /// The padding's colour: red, green and blue.
    package var fill: [UInt8]

    /// Makes a framing; by default that of CLIP's own code: the short side scaled to `side` by bicubic, centre square.
    package init(
        side: Int, fit: Fit? = nil, filter: Filter = .bicubic, cropRounding: CropRounding = .halfEven,
        fill: [UInt8] = [0, 0, 0]
    ) {
        precondition(side > 0 && fill.count == 3)
        self.side = side
        self.fit = fit ?? .shortest(side)
        self.filter = filter
        self.cropRounding = cropRounding
        self.fill = fill
    }

    /// Returns the size in pixels to which a frame is scaled before it is cropped or padded.
    func scaled(width: Int, height: Int) -> (width: Int, height: Int) {
        switch fit {
        case .shortest(let length):
            let short = min(width, height)
            // As in int(length * long / short): a division of floats, then truncation.
            func resized(_ side: Int) -> Int {
                side == short ? length : Int(Double(length * side) / Double(short))
            }
            return (resized(width), resized(height))
        case .squash(let length): return (length, length)
        case .longest:
            let ratio = max(Double(height) / Double(side), Double(width) / Double(side))
            func resized(_ side: Int) -> Int { max(1, Int((Double(side) / ratio).rounded(.toNearestOrEven))) }
            return (resized(width), resized(height))
        }
    }

    /// Returns the range of scaled pixels along one axis that are kept, and their position in the square picture.
    func kept(of length: Int) -> (range: Range<Int>, place: Int) {
        guard length >= side else { return (0..<length, (side - length) / 2) }
        let rest = length - side
        let offset =
            switch cropRounding {
            case .halfEven: Int((Double(rest) / 2).rounded(.toNearestOrEven))
            case .down: rest / 2
            }
        return (offset..<offset + side, 0)
    }
}

extension Framing: CustomStringConvertible {
    package var description: String {
        let size =
            switch fit {
            case .shortest(let length):
                length == side ? "short side to \(side)" : "short side to \(length), centre \(side)"
            case .squash(let length): length == side ? "squashed to \(side)" : "squashed to \(length), centre \(side)"
            case .longest: "long side to \(side), padded with \(fill.map(String.init).joined(separator: " "))"
            }
        return "\(size), \(filter.rawValue)"
    }
}
