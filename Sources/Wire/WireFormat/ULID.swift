package import Foundation

/// Makes ULIDs, which sort by time: 48 bits of milliseconds and 80 random bits, in Crockford's base 32.
package enum ULID {
    private static let alphabet = Array("0123456789ABCDEFGHJKMNPQRSTVWXYZ")

    package static func make(at date: Date = Date()) -> String {
        let milliseconds = UInt64(max(0, date.timeIntervalSince1970 * 1000))
        let time = (0..<10).reversed().map { alphabet[Int(milliseconds >> (UInt64($0) * 5) & 31)] }
        return String(time + (0..<16).map { _ in alphabet[Int.random(in: 0..<32)] })
    }
}
