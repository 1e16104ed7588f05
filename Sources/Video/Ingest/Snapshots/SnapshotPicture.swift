package import Pixels

/// A decoded picture to push into a pipeline: interleaved RGB, turned upright.
package struct SnapshotPicture {
    package let width: Int
    package let height: Int
    package let rgb: [UInt8]

    /// Decodes a picture's file as `StillPicture` does; throws if it has more pixels than `SizeGuard.maxPixels`.
    package init(decoding file: [UInt8]) throws(PictureError) {
        if let size = PictureHeader.size(beginning: file), size.width > SizeGuard.maxPixels / max(size.height, 1) {
            throw PictureError(
                "it has \(size.width) x \(size.height) pixels, at most \(SizeGuard.maxPixels / 1_000_000) million "
                    + "(8K) are decoded; make it smaller")
        }
        self.init(try StillPicture(decoding: file))
    }

    private init(_ picture: StillPicture) {
        guard picture.orientation != .upright else {
            (width, height, rgb) = (picture.width, picture.height, picture.rgb)
            return
        }
        let swaps = picture.orientation.swapsSides
        width = swaps ? picture.height : picture.width
        height = swaps ? picture.width : picture.height
        rgb = picture.uprightSamples
    }
}
