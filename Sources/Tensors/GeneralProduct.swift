import COpenBLAS
import Foundation

/// Numbers that OpenBLAS multiplies: `Float` to train in, `Double` to check it.
package protocol ProductScalar: BinaryFloatingPoint, Sendable {
    /// `c = alpha · a · b + beta · c`; see `GeneralProduct.multiply`.
    static func gemm(
        _ a: UnsafePointer<Self>, _ aStride: CInt, _ aTransposed: Bool, _ b: UnsafePointer<Self>, _ bStride: CInt,
        _ bTransposed: Bool, _ c: UnsafeMutablePointer<Self>, _ cStride: CInt, _ m: CInt, _ n: CInt, _ k: CInt,
        _ alpha: Self, _ beta: Self)
    /// e to the power of a number, in its own precision.
    static func exponential(_ x: Self) -> Self
}

extension Float: ProductScalar {
    package static func exponential(_ x: Float) -> Float { exp(x) }

    package static func gemm(
        _ a: UnsafePointer<Float>, _ aStride: CInt, _ aTransposed: Bool, _ b: UnsafePointer<Float>, _ bStride: CInt,
        _ bTransposed: Bool, _ c: UnsafeMutablePointer<Float>, _ cStride: CInt, _ m: CInt, _ n: CInt, _ k: CInt,
        _ alpha: Float, _ beta: Float
    ) {
        cblas_sgemm(
            CblasRowMajor, aTransposed ? CblasTrans : CblasNoTrans, bTransposed ? CblasTrans : CblasNoTrans, m, n, k,
            alpha, a, aStride, b, bStride, beta, c, cStride)
    }
}

extension Double: ProductScalar {
    package static func exponential(_ x: Double) -> Double { exp(x) }

    package static func gemm(
        _ a: UnsafePointer<Double>, _ aStride: CInt, _ aTransposed: Bool, _ b: UnsafePointer<Double>, _ bStride: CInt,
        _ bTransposed: Bool, _ c: UnsafeMutablePointer<Double>, _ cStride: CInt, _ m: CInt, _ n: CInt, _ k: CInt,
        _ alpha: Double, _ beta: Double
    ) {
        cblas_dgemm(
            CblasRowMajor, aTransposed ? CblasTrans : CblasNoTrans, bTransposed ? CblasTrans : CblasNoTrans, m, n, k,
            alpha, a, aStride, b, bStride, beta, c, cStride)
    }
}

/// A row-major matrix within an array: where it begins, and how far its rows are apart.
package struct MatrixPlace: Sendable {
    package var start: Int
    package var stride: Int
    /// Its transpose is meant.
    package var transposed: Bool

    package init(_ start: Int = 0, stride: Int, transposed: Bool = false) {
        (self.start, self.stride, self.transposed) = (start, stride, transposed)
    }

    /// Throws nothing: a place beyond its array is our own mistake.
    fileprivate func check(rows: Int, columns: Int, count: Int) {
        let (r, c) = transposed ? (columns, rows) : (rows, columns)
        precondition(start >= 0 && stride >= c && (r == 0 || start + (r - 1) * stride + c <= count))
    }
}

/// Products of matrices that lie within larger arrays, as training has them, by OpenBLAS.
package enum GeneralProduct {
    /// As many threads as OpenBLAS may use from now on, for the whole process.
    package static func useThreads(_ count: Int) { openblas_set_num_threads(CInt(max(count, 1))) }

    /// `c = alpha · a · b + beta · c`: a `[m, k]`, b `[k, n]`, c `[m, n]`, after transposition.
    package static func multiply<Real: ProductScalar>(
        _ a: [Real], _ aPlace: MatrixPlace, _ b: [Real], _ bPlace: MatrixPlace, into c: inout [Real],
        _ cPlace: MatrixPlace, m: Int, n: Int, k: Int, alpha: Real = 1, beta: Real = 0
    ) {
        aPlace.check(rows: m, columns: k, count: a.count)
        bPlace.check(rows: k, columns: n, count: b.count)
        cPlace.check(rows: m, columns: n, count: c.count)
        precondition(!cPlace.transposed)
        guard m > 0, n > 0, k > 0 else { return }
        a.withUnsafeBufferPointer { a in
            b.withUnsafeBufferPointer { b in
                c.withUnsafeMutableBufferPointer { c in
                    guard let a = a.baseAddress, let b = b.baseAddress, let c = c.baseAddress else { return }
                    Real.gemm(
                        a + aPlace.start, CInt(aPlace.stride), aPlace.transposed, b + bPlace.start,
                        CInt(bPlace.stride), bPlace.transposed, c + cPlace.start, CInt(cPlace.stride), CInt(m),
                        CInt(n), CInt(k), alpha, beta)
                }
            }
        }
    }
}
