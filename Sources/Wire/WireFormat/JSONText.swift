package import Foundation
import Printing

/// A strict JSON parser (RFC 8259) that refuses repeated keys and is fast for many small documents.
///
/// `JSONDecoder` decodes a `JSONValue` by trying one type after the other, each of which throws. With 100,000 queries
/// that would take most of the time.
package struct JSONText {
    package struct Failure: Error, CustomStringConvertible {
        package let description: String
    }

    /// The limits of a JSON text; a text that exceeds one is refused before the excess is stored.
    private enum Most {
        static let depth = 64
        /// The greatest number of values in a text.
        ///
        /// `keys` is the greatest number of keys in an object; `key` and `number` are the greatest sizes of a key and
        /// of a number in bytes.
        static let values = 8_000_000
        static let keys = 1000
        static let key = 1024
        static let number = 1024
        /// The greatest size in bytes of a string that is not ASCII.
        ///
        /// Comparing such strings may take time in the square of their length. Longer strings are pictures in base64,
        /// which is ASCII.
        static let string = 16_384
    }

    private let bytes: [UInt8]
    private var values = 0
    private var at = 0
    private var depth = 0

    package static func parse(_ data: Data) throws(Failure) -> JSONValue {
        var text = JSONText(bytes: [UInt8](data))
        let value = try text.value()
        text.skipSpace()
        guard text.at == text.bytes.count else { throw text.failure("something follows the value") }
        return value
    }

    private init(bytes: [UInt8]) { self.bytes = bytes }

    private func failure(_ reason: String) -> Failure { Failure(description: "\(reason), at byte \(at + 1)") }

    private var next: UInt8? { at < bytes.count ? bytes[at] : nil }

    private mutating func skipSpace() {
        while let byte = next, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { at += 1 }
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        skipSpace()
        guard next == byte else { return false }
        at += 1
        return true
    }

    private mutating func value() throws(Failure) -> JSONValue {
        values += 1
        guard values <= Most.values else { throw failure("there are more than \(Most.values) values") }
        skipSpace()
        switch next {
        case UInt8(ascii: "{"): return try nested { reader throws(Failure) in try reader.object() }
        case UInt8(ascii: "["): return try nested { reader throws(Failure) in try reader.array() }
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        case nil: throw failure("it ends too early")
        default: return try number()
        }
    }

    private mutating func nested(_ read: (inout JSONText) throws(Failure) -> JSONValue) throws(Failure) -> JSONValue {
        guard depth < Most.depth else { throw failure("it is nested too deeply") }
        depth += 1
        at += 1
        let value = try read(&self)
        depth -= 1
        return value
    }

    private mutating func object() throws(Failure) -> JSONValue {
        var object: [String: JSONValue] = [:]
        if take(UInt8(ascii: "}")) { return .object(object) }
        repeat {
            skipSpace()
            guard next == UInt8(ascii: "\"") else { throw failure("a key is expected") }
            let key = try string(most: Most.key, "a key")
            guard take(UInt8(ascii: ":")) else { throw failure("a colon is expected") }
            guard object.updateValue(try value(), forKey: key) == nil else {
                throw failure("the key \"\(key.excerpt())\" stands twice")
            }
            guard object.count <= Most.keys else { throw failure("an object has more than \(Most.keys) keys") }
        } while take(UInt8(ascii: ","))
        guard take(UInt8(ascii: "}")) else { throw failure("a comma or } is expected") }
        return .object(object)
    }

    private mutating func array() throws(Failure) -> JSONValue {
        var array: [JSONValue] = []
        if take(UInt8(ascii: "]")) { return .array(array) }
        repeat { array.append(try value()) } while take(UInt8(ascii: ","))
        guard take(UInt8(ascii: "]")) else { throw failure("a comma or ] is expected") }
        return .array(array)
    }

    private mutating func word(_ word: StaticString, _ value: JSONValue) throws(Failure) -> JSONValue {
        let text = Array(word.description.utf8)
        guard bytes[at...].starts(with: text) else { throw failure("a value is expected") }
        at += text.count
        return value
    }

    private mutating func number() throws(Failure) -> JSONValue {
        let start = at
        func isDigit(_ byte: UInt8?) -> Bool { byte.map { (0x30...0x39).contains($0) } ?? false }
        var isWhole = true
        if next == UInt8(ascii: "-") { at += 1 }
        guard isDigit(next) else { throw failure("a value is expected") }
        let leadingZero = next == 0x30
        at += 1
        if leadingZero, isDigit(next) { throw failure("a number begins with 0") }
        while isDigit(next) { at += 1 }
        if next == UInt8(ascii: ".") {
            isWhole = false
            at += 1
            guard isDigit(next) else { throw failure("a digit is expected") }
            while isDigit(next) { at += 1 }
        }
        if next == UInt8(ascii: "e") || next == UInt8(ascii: "E") {
            isWhole = false
            at += 1
            if next == UInt8(ascii: "+") || next == UInt8(ascii: "-") { at += 1 }
            guard isDigit(next) else { throw failure("a digit is expected") }
            while isDigit(next) { at += 1 }
        }
        guard at - start <= Most.number else { throw failure("a number has more than \(Most.number) digits") }
        let text = String(decoding: bytes[start..<at], as: UTF8.self)
        if isWhole, let whole = Int64(text) { return .integer(whole) }
        guard let number = Double(text), number.isFinite else { throw failure("the number is too large") }
        // Whole numbers are integers in any notation, as when `JSONDecoder` decodes a `JSONValue`: 5.0 and 5e0 are 5.
        return Int64(exactly: number).map { .integer($0) } ?? .number(number)
    }

    /// Parses a string of at most `most` bytes; if `most` is nil, only strings that are not ASCII are limited.
    ///
    /// `what` names the string in error messages.
    private mutating func string(most: Int? = nil, _ what: String = "a text") throws(Failure) -> String {
        at += 1
        let start = at
        while let byte = next, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\"), byte >= 0x20 { at += 1 }
        var text = bytes[start..<at]
        while let byte = next, byte != UInt8(ascii: "\"") {
            guard byte >= 0x20 else { throw failure("a control character stands in a text") }
            at += 1
            if byte == UInt8(ascii: "\\") { try escape(into: &text) } else { text.append(byte) }
        }
        guard next != nil else { throw failure("a text does not end") }
        at += 1
        if text.count > most ?? Most.string, most != nil || text.contains(where: { $0 >= 0x80 }) {
            let kind = most == nil ? " that is not ASCII" : ""
            throw failure("\(what)\(kind) has \(text.count) bytes, at most \(most ?? Most.string) are taken")
        }
        guard let valid = String(validating: text, as: UTF8.self) else { throw failure("a text is not UTF-8") }
        return valid
    }

    private mutating func escape(into text: inout ArraySlice<UInt8>) throws(Failure) {
        guard let letter = next else { throw failure("a text does not end") }
        at += 1
        switch letter {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(letter)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0C)
        case UInt8(ascii: "n"): text.append(0x0A)
        case UInt8(ascii: "r"): text.append(0x0D)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "u"):
            var code = try hexadecimal()
            if (0xD800..<0xDC00).contains(code) {
                guard bytes[at...].starts(with: Array("\\u".utf8)) else { throw failure("half a surrogate pair") }
                at += 2
                let low = try hexadecimal()
                guard (0xDC00..<0xE000).contains(low) else { throw failure("half a surrogate pair") }
                code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
            }
            guard let scalar = Unicode.Scalar(code) else { throw failure("half a surrogate pair") }
            text += Array(String(scalar).utf8)
        default: throw failure("an unknown escape")
        }
    }

    private mutating func hexadecimal() throws(Failure) -> UInt32 {
        guard at + 4 <= bytes.count else { throw failure("a text does not end") }
        let digits = String(decoding: bytes[at..<at + 4], as: UTF8.self)
        guard digits.utf8.allSatisfy({ $0 != UInt8(ascii: "+") && $0 != UInt8(ascii: "-") }),
            let code = UInt32(digits, radix: 16)
        else { throw failure("four hexadecimal digits are expected") }
        at += 4
        return code
    }
}
