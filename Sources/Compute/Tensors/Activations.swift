import CKernels
import COneDNN

/// A matrix of activations between two layers, in float32, bfloat16, int32 sums, or bytes with one scale per row.
///
/// An int8 layer leaves int32 sums. Reading them needs the scales of the layer's input rows and output columns, so read
/// them before that input is overwritten.
///
/// Not Sendable, like `Matrix`. Its memory grows to the largest size used and is then kept.
package final class Activations: Numbers {
    package let columns: Int
    package private(set) var rows = 0
    private(set) var form = RowForm(kind: WW_F32)
    private var data: UnsafeMutableRawPointer
    private var dataSize = 64
    private var scales: UnsafeMutablePointer<ww_row>
    private var scaleCount = 1
    /// The layer that computed these int32 sums, and its input; nil if the numbers are not sums.
    private var source: (input: Activations, layer: OneDNNLayer)?

    package init(columns: Int) {
        self.columns = columns
        data = .allocate(byteCount: dataSize, alignment: 64)
        scales = .allocate(capacity: scaleCount)
    }

    deinit {
        data.deallocate()
        scales.deallocate()
    }

    /// The address of the first row; traps if the rows are stored in row blocks, which oneDNN cannot read.
    var base: UnsafeMutableRawPointer {
        precondition(!form.inBlocks)
        return data
    }

    /// Sets the number of rows and columns and the number type, allocating memory if needed; the content is then
    /// undefined.
    func prepare(rows: Int, columns: Int, as form: RowForm) {
        let kind = form.kind
        // AMX reads 32 rows at a time: the memory after the last row must exist, but its content does not matter.
        let room = (rows + 31) / 32 * 32
        let size = room * columns * (kind == WW_BF16 ? 2 : kind == WW_U8 ? 1 : 4)
        if size > dataSize {
            data.deallocate()
            data = .allocate(byteCount: size, alignment: 64)
            dataSize = size
        }
        if kind == WW_U8 && rows > scaleCount {
            scales.deallocate()
            scales = .allocate(capacity: rows)
            scaleCount = rows
        }
        self.rows = rows
        self.form = form
        source = nil
    }

    func prepareSums(of layer: OneDNNLayer, from input: Activations) {
        prepare(rows: input.rows, columns: layer.outputs, as: RowForm(kind: WW_S32))
        source = (input, layer)
    }

    func withNumbers<R>(_ body: (UnsafePointer<ww_numbers>) -> R) -> R {
        var numbers = ww_numbers(
            kind: form.kind, data: data, rows: source?.input.scales ?? scales, columns: nil,
            top: ComputeLibrary.topByte, blocked: form.inBlocks ? rows : 0)
        guard let layer = source?.layer else { return withUnsafePointer(to: &numbers, body) }
        var columns = layer.sumColumns
        return withUnsafePointer(to: &columns) { columns in
            numbers.columns = columns
            return withUnsafePointer(to: &numbers, body)
        }
    }

    /// Replaces the content with the float32 matrix `x`, converted to the number type and row layout of `form`.
    package func convert(_ x: Matrix, as form: RowForm) {
        precondition(x.columns == columns)
        prepare(rows: x.rows, columns: columns, as: form)
        withNumbers { ww_convert($0, x.base, x.rows, x.columns) }
    }

    /// All numbers, converted to float32, row-major.
    package var values: [Float] {
        [Float](unsafeUninitializedCapacity: rows * columns) { out, count in
            if let base = out.baseAddress { withNumbers { ww_values(base, $0, rows, columns) } }
            count = rows * columns
        }
    }
}

/// The number type and the memory layout of a matrix's rows, as the layer that reads them expects.
package struct RowForm: Sendable {
    let kind: ww_kind
    /// True if up to 14 rows are interleaved in a block (`row_blocks.h`); false if rows follow one another.
    var inBlocks = false

    /// Returns the row form in which rows follow one another and numbers have the type that this precision multiplies.
    package static func plain(_ precision: Precision) -> RowForm { RowForm(kind: precision.kind) }
}

/// A matrix that the C kernels can read or write, in any number type.
protocol Numbers {
    /// Calls `body` with a C description of the numbers; the pointer is valid only during the call.
    func withNumbers<R>(_ body: (UnsafePointer<ww_numbers>) -> R) -> R
}

extension Matrix: Numbers {
    func withNumbers<R>(_ body: (UnsafePointer<ww_numbers>) -> R) -> R {
        var numbers = ww_numbers(kind: WW_F32, data: base, rows: nil, columns: nil, top: 0, blocked: 0)
        return withUnsafePointer(to: &numbers, body)
    }
}
