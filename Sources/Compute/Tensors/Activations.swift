import CKernels
import COneDNN

/// The rows that pass between products, in a precision's own numbers: float32, bfloat16, or bytes with a scale a row.
///
/// A product of bytes leaves int32 sums. They can be read only together with the scales of its input's rows and of its
/// layer's columns, so they are read before that input is overwritten.
///
/// Not Sendable, like `Matrix`. The memory grows to its largest use, then stays.
package final class Activations: Numbers {
    package let columns: Int
    package private(set) var rows = 0
    private(set) var form = RowForm(kind: WW_F32)
    private var data: UnsafeMutableRawPointer
    private var dataSize = 64
    private var scales: UnsafeMutablePointer<ww_row>
    private var scaleCount = 1
    /// The input and the layer that made the sums, if the numbers are sums.
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

    /// The first byte of rows that lie one after the other, as oneDNN reads and writes them.
    var base: UnsafeMutableRawPointer {
        precondition(!form.inBlocks)
        return data
    }

    /// Makes room for `rows` rows of `columns`; their content is then undefined.
    func prepare(rows: Int, columns: Int, as form: RowForm) {
        let kind = form.kind
        // Tiles read whole tiles of rows: what is beyond the last row does not matter, but it must be there.
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

    /// Converts a matrix to the form that its next reader takes.
    package func convert(_ x: Matrix, as form: RowForm) {
        precondition(x.columns == columns)
        prepare(rows: x.rows, columns: columns, as: form)
        withNumbers { ww_convert($0, x.base, x.rows, x.columns) }
    }

    /// The numbers as float32, row-major.
    package var values: [Float] {
        [Float](unsafeUninitializedCapacity: rows * columns) { out, count in
            if let base = out.baseAddress { withNumbers { ww_values(base, $0, rows, columns) } }
            count = rows * columns
        }
    }
}

/// The kind and the layout of rows, as their reader takes them.
package struct RowForm: Sendable {
    let kind: ww_kind
    /// Rows lie in row blocks for products with vectors if true, else one after the other.
    var inBlocks = false

    /// The form for rows one after the other, in the numbers of a precision's products.
    package static func plain(_ precision: Precision) -> RowForm { RowForm(kind: precision.kind) }
}

/// An array of numbers that kernels read or write.
protocol Numbers {
    /// Lends the kernels their view of the numbers, for the duration of `body`.
    func withNumbers<R>(_ body: (UnsafePointer<ww_numbers>) -> R) -> R
}

extension Matrix: Numbers {
    func withNumbers<R>(_ body: (UnsafePointer<ww_numbers>) -> R) -> R {
        var numbers = ww_numbers(kind: WW_F32, data: base, rows: nil, columns: nil, top: 0, blocked: 0)
        return withUnsafePointer(to: &numbers, body)
    }
}
