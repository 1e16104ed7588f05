/// Reads numbers in a file's bytes; nil beyond the end, whatever lengths the file states.
struct FileBytes {
    let bytes: [UInt8]
    var count: Int { bytes.count }

    subscript(_ at: Int) -> Int? { bytes.indices.contains(at) ? Int(bytes[at]) : nil }

    /// Reads an unsigned number of `length` bytes (at most 4) at index `at`; nil beyond the end.
    func number(_ at: Int, _ length: Int, bigEndian: Bool) -> Int? {
        guard at >= 0, length <= 4, at <= count - length else { return nil }
        let part = bytes[at..<at + length]
        return bigEndian ? part.reduce(0) { $0 << 8 | Int($1) } : part.reversed().reduce(0) { $0 << 8 | Int($1) }
    }

    func big16(_ at: Int) -> Int? { number(at, 2, bigEndian: true) }
    func big32(_ at: Int) -> Int? { number(at, 4, bigEndian: true) }
    func little16(_ at: Int) -> Int? { number(at, 2, bigEndian: false) }
    func little24(_ at: Int) -> Int? { number(at, 3, bigEndian: false) }
    func little32(_ at: Int) -> Int? { number(at, 4, bigEndian: false) }

    func has(_ text: StaticString, at: Int = 0) -> Bool {
        let length = text.utf8CodeUnitCount
        guard at >= 0, at <= count - length else { return false }
        return bytes[at..<at + length].elementsEqual(text.description.utf8)
    }

    func has(_ values: [UInt8], at: Int = 0) -> Bool {
        guard at >= 0, at <= count - values.count else { return false }
        return bytes[at..<at + values.count].elementsEqual(values)
    }
}
