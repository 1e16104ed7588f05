import CKernels

/// Pictures cut into patches, as the input of CLIP's patch projection.
package enum Patches {
    /// Interleaved RGB bytes `[side, side, 3]` a picture, normalised by channel, into out `[pictures · g², 3 · patch²]`.
    ///
    /// No picture gives zeros: what lies beyond the ends of a window (CLIP4CLIP section 5).
    package static func cut(
        _ pictures: [[UInt8]?], side: Int, patch: Int, mean: [Float], deviation: [Float], into out: Matrix
    ) {
        let patches = (side / patch) * (side / patch)
        precondition(mean.count == 3 && deviation.count == 3 && out.columns == 3 * patch * patch)
        precondition(out.rows == pictures.count * patches)
        for (index, picture) in pictures.enumerated() {
            guard let picture else {
                (out.base + index * patches * out.columns).update(repeating: 0, count: patches * out.columns)
                continue
            }
            precondition(picture.count == side * side * 3)
            ww_patchify_bytes(
                out.base + index * patches * out.columns, picture, mean, deviation, 1, side, patch)
        }
    }

    /// Normalised planes `[pictures, 3, side, side]` into out `[pictures · g², 3 · patch²]`.
    package static func cut(planes: [Float], side: Int, patch: Int, into out: Matrix) {
        let pictures = planes.count / (3 * side * side)
        precondition(planes.count == pictures * 3 * side * side && out.columns == 3 * patch * patch)
        precondition(out.rows == pictures * (side / patch) * (side / patch))
        ww_patchify_planes(out.base, planes, pictures, side, patch)
    }
}
