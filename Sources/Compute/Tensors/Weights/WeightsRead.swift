import CKernels

/// A block of memory that can be read once: the least time of a scan of this many bytes.
package struct MemoryRead {
    private let words: [UInt64]

    /// Fills the memory with different numbers: the pages of a fresh mapping of zeros may all be the same one.
    package init(bytes: Int) { words = (0..<UInt64(max(0, bytes) / 8)).map { $0 } }

    /// Reads the whole block with all workers.
    ///
    /// The result keeps the compiler from leaving the reads out.
    @discardableResult
    package func run() -> UInt64 { ww_memory_read(words, words.count) }
}

/// A block of memory as large as a tower's weights: no batch, however small, can take less time than reading it.
package struct WeightsRead {
    private let read: MemoryRead

    package init(_ shapes: [PlainProducts.Shape], precision: Precision) {
        let bytes = shapes.reduce(0) { $0 + $1.inputs * $1.outputs } * precision.bytes
        read = MemoryRead(bytes: bytes)
    }

    /// Reads the whole block with all workers.
    ///
    /// The result keeps the compiler from leaving the reads out.
    @discardableResult
    package func run() -> UInt64 { read.run() }
}
