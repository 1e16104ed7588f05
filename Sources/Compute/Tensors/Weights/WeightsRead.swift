import CKernels

/// A block of memory that benchmarks read, to find the least time that reading this many bytes takes.
package struct MemoryRead {
    private let words: [UInt64]

    /// Allocates the block and fills it with different numbers, so that no two pages share physical memory.
    package init(bytes: Int) { words = (0..<UInt64(max(0, bytes) / 8)).map { $0 } }

    /// Reads the whole block once with all workers, and returns a checksum so that the compiler keeps the reads.
    @discardableResult
    package func run() -> UInt64 { ww_memory_read(words, words.count) }
}

/// A block of memory as large as an encoder's weights: no batch can take less time than reading it.
package struct WeightsRead {
    private let read: MemoryRead

    package init(_ shapes: [PlainProducts.Shape], precision: Precision) {
        let bytes = shapes.reduce(0) { $0 + $1.inputs * $1.outputs } * precision.bytes
        read = MemoryRead(bytes: bytes)
    }

    /// Reads the whole block once with all workers, and returns a checksum so that the compiler keeps the reads.
    @discardableResult
    package func run() -> UInt64 { read.run() }
}
