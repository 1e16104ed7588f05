import CKernels

/// One step of an LSTM, after the products of its gates.
package enum LSTMStep {
    /// Computes hidden and cell `[windows, width]` from gates `[windows, 4 · width]`, in PyTorch's order i, f, g, o.
    ///
    /// At the `first` step the cell's past counts as zero.
    package static func run(_ gates: Matrix, first: Bool, cell: Matrix, hidden: Matrix) {
        precondition(gates.columns == 4 * cell.columns && hidden.columns == cell.columns)
        precondition(gates.rows == cell.rows && hidden.rows == cell.rows)
        ww_lstm_step(hidden.base, cell.base, gates.base, first ? 1 : 0, cell.rows, cell.columns)
    }
}
