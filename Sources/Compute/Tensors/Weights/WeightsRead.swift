import CKernels

/// A block of memory that can be read once, to measure the least time of a scan of as many bytes.
package struct MemoryRead {
    private let words: [UInt64]

    /// Zeroes of a fresh mapping may all be one page.
    package init(bytes: Int) { words = (0..<UInt64(max(0, bytes) / 8)).map { $0 } }

    /// Reads all of it, by all workers; what is returned says that it was.
    @discardableResult
    package func run() -> UInt64 { ww_memory_read(words, words.count) }
}

/// As many bytes as a tower's weights, to measure the least time of a batch, however small.
package struct WeightsRead {
    private let read: MemoryRead

    package init(_ shapes: [PlainProducts.Shape], precision: Precision) {
        let bytes = shapes.reduce(0) { $0 + $1.inputs * $1.outputs } * precision.bytes
        read = MemoryRead(bytes: bytes)
    }

    /// Reads all of it, by all workers; what is returned says that it was.
    @discardableResult
    package func run() -> UInt64 { read.run() }
}
