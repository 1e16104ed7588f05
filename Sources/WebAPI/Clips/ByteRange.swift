/// The part of a file that a request asks for by its `Range` header (RFC 9110).
package enum ByteRange: Equatable, Sendable {
    case whole
    case part(Range<Int>)
    case unsatisfiable

    /// Reads a `Range` header for a file of `size` bytes.
    ///
    /// Anything that is not understood, and a header with several ranges, means the whole file.
    package init(_ field: String?, size: Int) {
        self = .whole
        guard let field, field.lowercased().hasPrefix("bytes=") else { return }
        let ends = field.dropFirst(6).split(separator: "-", omittingEmptySubsequences: false).map {
            $0.filter { $0 != " " && $0 != "\t" }
        }
        guard ends.count == 2, ends.allSatisfy({ $0.utf8.count <= 18 && $0.utf8.allSatisfy { 48...57 ~= $0 } }) else {
            return
        }
        switch (Int(ends[0]), Int(ends[1])) {
        case (let first?, let last?):
            guard first <= last else { return }
            self = first < size ? .part(first..<min(last, size - 1) + 1) : .unsatisfiable
        case (let first?, nil): self = first < size ? .part(first..<size) : .unsatisfiable
        // The form -N asks for the last N bytes.
        case (nil, let length?): self = length > 0 && size > 0 ? .part(max(0, size - length)..<size) : .unsatisfiable
        case (nil, nil): return
        }
    }
}
