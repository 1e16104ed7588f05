import COpenBLAS

/// Small matrix products outside linear layers, such as scores, computed with OpenBLAS.
package enum Products {
    /// Limits OpenBLAS to the calling thread, for the whole process.
    ///
    /// The daemon's OpenBLAS products are small, but OpenBLAS's own threads spin after each. With eight streams and a
    /// thousand queries, they took 14 to 25 ms of processor time a frame for products of less than 1 ms.
    package static func useOneThread() { openblas_set_num_threads(1) }

    /// Returns the product `a · bᵀ` `[m, n]` of `a` `[m, k]` and `b` `[n, k]`, all row-major.
    package static func timesTransposed(_ a: [Float], _ b: [Float], width k: Int) -> [Float] {
        precondition(k > 0 && a.count % k == 0 && b.count % k == 0)
        let (m, n) = (a.count / k, b.count / k)
        guard m > 0, n > 0 else { return [] }
        return [Float](unsafeUninitializedCapacity: m * n) { out, count in
            cblas_sgemm(
                CblasRowMajor, CblasNoTrans, CblasTrans, CInt(m), CInt(n), CInt(k), 1, a, CInt(k), b, CInt(k), 0,
                out.baseAddress, CInt(n))
            count = m * n
        }
    }

    /// Writes the product `a · bᵀ` `[m, n]` of `a` `[m, k]` and `b` `[n, k]` into `out`.
    package static func timesTransposed(_ a: Matrix, _ b: Matrix, into out: Matrix) {
        precondition(a.columns == b.columns && out.rows == a.rows && out.columns == b.rows)
        guard a.rows > 0, b.rows > 0 else { return }
        let (m, n, k) = (CInt(a.rows), CInt(b.rows), CInt(a.columns))
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, m, n, k, 1, a.base, k, b.base, k, 0, out.base, n)
    }

    /// Returns the vector divided by its L2 norm, or unchanged if the norm is 0.
    package static func unit(_ vector: [Float]) -> [Float] {
        let norm = vector.reduce(Float(0)) { $0 + $1 * $1 }.squareRoot()
        return norm > 0 ? vector.map { $0 / norm } : vector
    }
}
