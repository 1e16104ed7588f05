import Foundation

/// Checks that a text file is UTF-8.
enum TextFile {
    /// Returns the bytes of a UTF-8 file without a byte order mark; throws on UTF-16, UTF-32 and invalid UTF-8.
    static func utf8(_ data: Data, path: String) throws(ConfigurationError) -> Data {
        func failure(_ found: String) -> ConfigurationError {
            ConfigurationError(
                path: path, line: nil, reason: "expected text in UTF-8, found \(found); save the file as UTF-8")
        }
        if data.starts(with: [0xFF, 0xFE]) || data.starts(with: [0xFE, 0xFF]) || data.starts(with: [0, 0, 0xFE, 0xFF]) {
            throw failure("the byte order mark of UTF-16 or UTF-32")
        }
        let text = data.starts(with: [0xEF, 0xBB, 0xBF]) ? Data(data.dropFirst(3)) : data
        guard !text.contains(0) else { throw failure("a zero byte, as UTF-16 has them") }
        guard String(validating: text, as: UTF8.self) != nil else { throw failure("bytes that are none") }
        return text
    }
}
