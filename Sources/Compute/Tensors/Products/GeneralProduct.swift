import CKernels
import COpenBLAS
import Foundation

/// A number type for training: `Float`, or `Double` to check the results of `Float`.
package protocol ProductScalar: BinaryFloatingPoint, Sendable {
    /// Computes `c = alpha · a · b + beta · c` with OpenBLAS; see `GeneralProduct.multiply`.
    ///
    /// c is `m` x `n`, and `k` is the inner size. A stride is the distance between rows, in numbers.
    static func gemm(
        _ a: UnsafePointer<Self>, _ aStride: CInt, _ aTransposed: Bool, _ b: UnsafePointer<Self>, _ bStride: CInt,
        _ bTransposed: Bool, _ c: UnsafeMutablePointer<Self>, _ cStride: CInt, _ m: CInt, _ n: CInt, _ k: CInt,
        _ alpha: Self, _ beta: Self)
    /// Returns e^x, computed in this type's precision.
    static func exponential(_ x: Self) -> Self
    static var kernels: TrainingKernels<Self> { get }
}

extension Float: ProductScalar {
    package static var kernels: TrainingKernels<Float> { .single }
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
    package static var kernels: TrainingKernels<Double> { .double }
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

/// The position of a row-major matrix within an array: its first index and the distance between its rows.
package struct MatrixPlace: Sendable {
    package var start: Int
    package var stride: Int
    /// True if the product uses the matrix's transpose.
    package var transposed: Bool

    package init(_ start: Int = 0, stride: Int, transposed: Bool = false) {
        (self.start, self.stride, self.transposed) = (start, stride, transposed)
    }

    /// Checks that the matrix lies within an array of `count` numbers; traps otherwise.
    fileprivate func check(rows: Int, columns: Int, count: Int) {
        let (r, c) = transposed ? (columns, rows) : (rows, columns)
        precondition(start >= 0 && stride >= c && (r == 0 || start + (r - 1) * stride + c <= count))
    }
}

/// Multiplies matrices that are parts of larger arrays, for training, with OpenBLAS.
package enum GeneralProduct {
    /// Sets the number of worker threads for training, for the whole process.
    ///
    /// OpenBLAS is limited to one thread per call, since large products are divided among our workers. Freed memory is
    /// kept for the next training step.
    package static func useThreads(_ count: Int) {
        openblas_set_num_threads(1)
        Workers.set(max(count, 1))
        ww_keep_memory()
    }

    /// The least number of multiplications for which a product is divided among workers.
    private static let large = 1 << 20

    /// Computes `c = alpha · a · b + beta · c`; after any transposition, a is `[m, k]`, b `[k, n]` and c `[m, n]`.
    ///
    /// Each `MatrixPlace` says where the matrix lies in its array. Traps if one exceeds its array.
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
                    let work = Work(
                        a: a + aPlace.start, aPlace: aPlace, b: b + bPlace.start, bPlace: bPlace, c: c + cPlace.start,
                        cStride: cPlace.stride, m: m, n: n, k: k, alpha: alpha, beta: beta)
                    if m * n * k < large || Workers.count == 1 { return work.multiply(rows: 0..<m, columns: 0..<n) }
                    work.cutUp()
                }
            }
        }
    }
}

/// A matrix product `c = alpha · a · b + beta · c` whose result can be computed in parts.
private struct Work<Real: ProductScalar> {
    let a: UnsafePointer<Real>
    let aPlace: MatrixPlace
    let b: UnsafePointer<Real>
    let bPlace: MatrixPlace
    let c: UnsafeMutablePointer<Real>
    let cStride: Int
    let m, n, k: Int
    let alpha, beta: Real

    /// Computes these rows and columns of the product's result.
    func multiply(rows: Range<Int>, columns: Range<Int>) {
        let (row, column) = (rows.lowerBound, columns.lowerBound)
        Real.gemm(
            a + row * (aPlace.transposed ? 1 : aPlace.stride), CInt(aPlace.stride), aPlace.transposed,
            b + column * (bPlace.transposed ? bPlace.stride : 1), CInt(bPlace.stride), bPlace.transposed,
            c + row * cStride + column, CInt(cStride), CInt(rows.count), CInt(columns.count), CInt(k), alpha, beta)
    }

    /// Computes the product in parallel: divides the result's longer side into two parts for each worker.
    ///
    /// With more parts than workers, a slow worker delays the others less.
    func cutUp() {
        let pieces = 2 * Workers.count
        let longer = max(m, n)
        // Whole tiles of OpenBLAS's kernels.
        let size = ((longer + pieces - 1) / pieces + 15) / 16 * 16
        let cutRows = m >= n
        let body: (Int) -> Void = { piece in
            let range = piece * size..<min((piece + 1) * size, longer)
            multiply(rows: cutRows ? range : 0..<m, columns: cutRows ? 0..<n : range)
        }
        withoutActuallyEscaping(body) { body in
            var call = Call(body: body)
            withUnsafeMutablePointer(to: &call) { call in
                ww_parallel(
                    (longer + size - 1) / size,
                    { context, first, last, _ in
                        guard let call = context?.assumingMemoryBound(to: Call.self) else { return }
                        for piece in first..<last { call.pointee.body(piece) }
                    }, call)
            }
        }
    }
}

private struct Call {
    let body: (Int) -> Void
}
