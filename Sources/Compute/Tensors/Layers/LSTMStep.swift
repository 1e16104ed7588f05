import CKernels

/// One time step of an LSTM, given the gates before their activation functions.
package enum LSTMStep {
    /// Computes `hidden` and updates `cell`, both `[windows, width]`, from the gates `[windows, 4 · width]`.
    ///
    /// A row holds the gates in PyTorch's order: i, f, g, o. If `first`, the previous cell state is taken as zero.
    package static func run(_ gates: Matrix, first: Bool, cell: Matrix, hidden: Matrix) {
        precondition(gates.columns == 4 * cell.columns && hidden.columns == cell.columns)
        precondition(gates.rows == cell.rows && hidden.rows == cell.rows)
        ww_lstm_step(hidden.base, cell.base, gates.base, first ? 1 : 0, cell.rows, cell.columns)
    }
}
