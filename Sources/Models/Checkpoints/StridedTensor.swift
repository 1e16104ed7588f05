/// The position of a PyTorch tensor's elements in the file: a strided view, already checked against its storage.
struct StridedTensor: Sendable {
    /// The byte range in the file from the tensor's first element to the end of its last.
    let range: Range<Int>
    let type: ElementType
    /// The size and stride, in elements, of each dimension larger than 1; outermost first.
    private let axes: [(size: Int, stride: Int)]
    let count: Int

    /// Checks the tensor's view against `storage`, the byte range of its storage in the file.
    ///
    /// Returns nil if the view reaches outside of the storage, or if its offset, shape or strides are invalid.
    init?(_ tensor: PickleTensor, storage: Range<Int>) {
        let size = tensor.storage.type.size
        guard tensor.storage.count <= storage.count / size, let count = TensorInfo.count(of: tensor.shape),
            tensor.shape.count == tensor.strides.count,
            tensor.offset >= 0, tensor.offset <= tensor.storage.count, tensor.strides.allSatisfy({ $0 >= 0 })
        else { return nil }
        let axes = zip(tensor.shape, tensor.strides).filter { $0.0 > 1 }
        var last = tensor.offset
        for (size, stride) in axes where count > 0 {
            let (reach, isTooFar) = (size - 1).multipliedReportingOverflow(by: stride)
            let (sum, isBeyond) = last.addingReportingOverflow(reach)
            guard !isTooFar, !isBeyond, sum < tensor.storage.count else { return nil }
            last = sum
        }
        type = tensor.storage.type
        let end = count == 0 ? tensor.offset : last + 1
        guard end <= tensor.storage.count else { return nil }
        range = storage.lowerBound + tensor.offset * size..<storage.lowerBound + end * size
        self.count = count
        self.axes = axes.map { (size: $0.0, stride: $0.1) }
    }

    /// Calls `body` with the tensor's elements in row-major order; copies them if the file stores another order.
    ///
    /// The buffer is valid only until `body` returns.
    func withBytes<R>(of file: MappedFile, _ body: (UnsafeRawBufferPointer) -> R) -> R {
        var expected = 1
        let isContiguous = axes.reversed().allSatisfy { axis in
            defer { expected *= axis.size }
            return axis.stride == expected
        }
        if isContiguous || count == 0 { return file.withBytes(range, body) }
        return file.withBytes(range) { bytes in
            switch type.size {
            case 8: gather(bytes, UInt64.self).withUnsafeBytes(body)
            case 4: gather(bytes, UInt32.self).withUnsafeBytes(body)
            case 2: gather(bytes, UInt16.self).withUnsafeBytes(body)
            default: gather(bytes, UInt8.self).withUnsafeBytes(body)
            }
        }
    }

    private func gather<T: FixedWidthInteger>(_ bytes: UnsafeRawBufferPointer, _: T.Type) -> [T] {
        // There is at least one axis: without any, the tensor is contiguous and `gather` is not called.
        guard let inner = axes.last else { return [] }
        let outer = axes.dropLast()
        var place = [Int](repeating: 0, count: outer.count)
        var elements: [T] = []
        elements.reserveCapacity(count)
        for _ in 0..<count / inner.size {
            var element = zip(place, outer).reduce(0) { $0 + $1.0 * $1.1.stride }
            for _ in 0..<inner.size {
                elements.append(bytes.loadUnaligned(fromByteOffset: element * MemoryLayout<T>.size, as: T.self))
                element += inner.stride
            }
            for axis in outer.indices.reversed() {
                place[axis] += 1
                if place[axis] < outer[axis].size { break }
                place[axis] = 0
            }
        }
        return elements
    }
}
