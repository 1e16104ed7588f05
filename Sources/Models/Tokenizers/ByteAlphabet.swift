/// The printable characters that represent the 256 byte values in vocabulary files.
///
/// Source: CLIP `bytes_to_unicode`: printable bytes of Latin-1 represent themselves, the others are U+0100 and on.
enum ByteAlphabet {
    /// The suffix that marks the last token of a word in vocabulary files.
    static let wordEnd = Array("</w>".utf8)

    /// The 256 byte values in the order of their token ids.
    static let bytes: [UInt8] = {
        let printable = Array(0x21...0x7E) + Array(0xA1...0xAC) + Array<UInt8>(0xAE...0xFF)
        return printable + (UInt8.min...UInt8.max).filter { !printable.contains($0) }
    }()

    /// The UTF-8 of the character that represents each byte value, in the order of `bytes`.
    static let symbols: [[UInt8]] = {
        let printable = 0x7E - 0x21 + 1 + 0xAC - 0xA1 + 1 + 0xFF - 0xAE + 1
        return bytes.enumerated().map { i, byte in
            let value = i < printable ? UInt32(byte) : UInt32(0x100 + i - printable)
            return Unicode.Scalar(value).map { Array(String($0).utf8) } ?? []
        }
    }()
}
