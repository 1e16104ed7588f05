import CKernels

/// Cuts pictures into square patches, the input of an image encoder's first projection.
package enum Patches {
    /// Cuts RGB pictures `[side, side, 3]` into normalised patches, `out` `[pictures · g², 3 · patch²]`; g = side /
    /// patch.
    ///
    /// g is rounded down. A nil picture gives zeros, for frames beyond a window's ends (docs/MATHEMATICS.md, section
    /// 5). If `nested` convolutions of 2 x 2 follow the projection, the patches that each of them joins are
    /// neighbouring rows (see `ww_cut_bytes`).
    package static func cut(
        _ pictures: [[UInt8]?], side: Int, patch: Int, mean: [Float], deviation: [Float], nested: Int = 0,
        into out: Activations, as form: RowForm
    ) {
        precondition(mean.count == 3 && deviation.count == 3 && out.columns == 3 * patch * patch)
        precondition(pictures.allSatisfy { $0.map { $0.count == side * side * 3 } ?? true })
        out.prepare(rows: pictures.count * count(side, patch, nested), columns: out.columns, as: form)
        withPointers(pictures[...], []) { pointers in
            out.withNumbers { ww_cut_bytes($0, pointers, mean, deviation, pictures.count, side, patch, nested) }
        }
    }

    /// Cuts normalised planes `[pictures, 3, side, side]` into patches, `out` `[pictures · g², 3 · patch²]`; g = side /
    /// patch.
    package static func cut(
        planes: [Float], side: Int, patch: Int, nested: Int = 0, into out: Activations, as form: RowForm
    ) {
        let pictures = planes.count / (3 * side * side)
        precondition(planes.count == pictures * 3 * side * side && out.columns == 3 * patch * patch)
        out.prepare(rows: pictures * count(side, patch, nested), columns: out.columns, as: form)
        out.withNumbers { ww_cut_planes($0, planes, pictures, side, patch, nested) }
    }

    /// Returns the number of patches per picture, with `nested` convolutions of 2 x 2 to follow.
    private static func count(_ side: Int, _ patch: Int, _ nested: Int) -> Int {
        let squares = side / (patch << nested)
        return squares * squares << (2 * nested)
    }

    /// Calls `body` with pointers to all pictures at once, nil for a nil picture; recurses once per picture.
    private static func withPointers(
        _ pictures: ArraySlice<[UInt8]?>, _ found: [UnsafePointer<UInt8>?], _ body: ([UnsafePointer<UInt8>?]) -> Void
    ) {
        guard let next = pictures.first else { return body(found) }
        guard let next else { return withPointers(pictures.dropFirst(), found + [nil], body) }
        next.withUnsafeBufferPointer { withPointers(pictures.dropFirst(), found + [$0.baseAddress], body) }
    }
}

extension Matrix {
    /// Fills this matrix `[pictures · tokens, width]` with a transformer's first tokens, plus their position
    /// embeddings.
    ///
    /// A picture's tokens are `first` (the class token, if given), then its rows of `rest`. `positions` is `[tokens,
    /// width]`.
    package func placeTokens(first: [Float]?, rest: Matrix, positions: [Float]) {
        let tokens = positions.count / columns
        let others = first == nil ? tokens : tokens - 1
        precondition(first?.count ?? columns == columns && rest.columns == columns)
        precondition(tokens > 0 && positions.count == tokens * columns && rows % tokens == 0)
        precondition(rest.rows == rows / tokens * others)
        guard let first else {
            return ww_place_tokens(base, nil, rest.base, positions, rows / tokens, tokens, columns)
        }
        ww_place_tokens(base, first, rest.base, positions, rows / tokens, tokens, columns)
    }
}
