import CKernels

/// Pictures cut into patches, as the input of CLIP's patch projection.
package enum Patches {
    /// Cuts RGB bytes `[side, side, 3]` of each picture into normalised patches, out `[pictures · g², 3 · patch²]`.
    ///
    /// g is side / patch, rounded down. A nil picture gives zeros: it stands for the frames beyond the ends of a window
    /// (docs/MATHEMATICS.md, section 5). `nested` is how many convolutions of 2 x 2 follow; the patches that one of
    /// them joins then follow each other (`ww_cut_bytes`).
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

    /// Cuts normalised planes `[pictures, 3, side, side]` into out `[pictures · g², 3 · patch²]`.
    package static func cut(
        planes: [Float], side: Int, patch: Int, nested: Int = 0, into out: Activations, as form: RowForm
    ) {
        let pictures = planes.count / (3 * side * side)
        precondition(planes.count == pictures * 3 * side * side && out.columns == 3 * patch * patch)
        out.prepare(rows: pictures * count(side, patch, nested), columns: out.columns, as: form)
        out.withNumbers { ww_cut_planes($0, planes, pictures, side, patch, nested) }
    }

    /// The number of patches of a picture.
    private static func count(_ side: Int, _ patch: Int, _ nested: Int) -> Int {
        let squares = side / (patch << nested)
        return squares * squares << (2 * nested)
    }

    /// Lends the pointers of all pictures at once, by one nested call for each picture.
    private static func withPointers(
        _ pictures: ArraySlice<[UInt8]?>, _ found: [UnsafePointer<UInt8>?], _ body: ([UnsafePointer<UInt8>?]) -> Void
    ) {
        guard let next = pictures.first else { return body(found) }
        guard let next else { return withPointers(pictures.dropFirst(), found + [nil], body) }
        next.withUnsafeBufferPointer { withPointers(pictures.dropFirst(), found + [$0.baseAddress], body) }
    }
}

extension Matrix {
    /// Makes a tower's first tokens `[pictures · tokens, width]`, this matrix.
    ///
    /// A picture's tokens are `first`, if given, then its rows of `rest`; `positions` `[tokens, width]` are added.
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
