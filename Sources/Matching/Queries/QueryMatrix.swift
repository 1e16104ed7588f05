/// Text embeddings of queries that share head and window length: `[count, width]`, unit rows, for one product.
package struct QueryMatrix: Sendable {
    package let width: Int
    /// Row-major `[count, width]`.
    package private(set) var storage: [Float] = []
    /// Query of each row.
    package private(set) var ids: [String] = []
    private var rows: [String: Int] = [:]

    package init(width: Int) { self.width = width }

    package var count: Int { ids.count }

    /// Adds a row, or replaces the one of the same id.
    ///
    /// O(width).
    package mutating func add(_ id: String, _ embedding: [Float]) {
        precondition(embedding.count == width)
        if let row = rows[id] {
            storage.replaceSubrange(row * width..<(row + 1) * width, with: embedding)
            return
        }
        rows[id] = ids.count
        ids.append(id)
        storage += embedding
    }

    /// Removes a row; the last one takes its place.
    ///
    /// O(width).
    package mutating func remove(_ id: String) {
        guard let row = rows.removeValue(forKey: id) else { return }
        let last = ids.count - 1
        if row != last {
            storage.replaceSubrange(
                row * width..<(row + 1) * width, with: Array(storage[last * width..<(last + 1) * width]))
            ids[row] = ids[last]
            rows[ids[row]] = row
        }
        ids.removeLast()
        storage.removeLast(width)
    }
}
