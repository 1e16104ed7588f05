/// The printable characters that stand for the 256 bytes in vocabulary files.
///
/// Source: CLIP `bytes_to_unicode`: the printable bytes of Latin-1 stand for themselves, the others for U+0100 and on.
enum ByteAlphabet {
    /// Marks the last symbol of a word.
    static let wordEnd = Array("</w>".utf8)

    /// The bytes in the order of their token ids.
    static let bytes: [UInt8] = {
        let printable = Array(0x21...0x7E) + Array(0xA1...0xAC) + Array<UInt8>(0xAE...0xFF)
        return printable + (UInt8.min...UInt8.max).filter { !printable.contains($0) }
    }()

    /// The UTF-8 of each symbol, in the order of `bytes`.
    static let symbols: [[UInt8]] = {
        let printable = 0x7E - 0x21 + 1 + 0xAC - 0xA1 + 1 + 0xFF - 0xAE + 1
        return bytes.enumerated().map { i, byte in
            let value = i < printable ? UInt32(byte) : UInt32(0x100 + i - printable)
            return Unicode.Scalar(value).map { Array(String($0).utf8) } ?? []
        }
    }()
}
