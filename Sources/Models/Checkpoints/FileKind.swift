/// Recognises files that are not checkpoints (HTML pages, Git LFS pointers, GGUF, ...) by their first bytes.
enum FileKind {
    /// Returns an error message that names the kind of a file that is no checkpoint; nil if it may be one.
    static func problem(_ file: MappedFile) -> String? {
        guard file.count > 0 else { return "the file is empty" }
        let head = file.withBytes(0..<min(file.count, 512)) { Array($0) }
        if head.starts(with: "version https://git-lfs".utf8) {
            return "it is a pointer of Git LFS, not the weights: run git lfs pull in the repository it came from"
        }
        let text = String(
            decoding: head.drop { [0x20, 0x09, 0x0A, 0x0D, 0xEF, 0xBB, 0xBF].contains($0) }, as: UTF8.self
        )
        .lowercased()
        if text.hasPrefix("<!doctype html") || text.hasPrefix("<html") || text.hasPrefix("<?xml") {
            return "it is a page of HTML, not the weights: the download got an error or a log-in page"
        }
        if text.hasPrefix("{\"error") || text.hasPrefix("{ \"error") {
            return "it is an error message of a server, not the weights: \(quoted(String(text.prefix(80))))"
        }
        let known: [(magic: [UInt8], what: String)] = [
            ([0x89, 0x48, 0x44, 0x46], "an HDF5 file (TensorFlow or Keras)"), (Array("GGUF".utf8), "a GGUF file"),
            ([0x1F, 0x8B], "compressed by gzip"), ([0x93] + Array("NUMPY".utf8), "an array of NumPy"),
            ([0x28, 0xB5, 0x2F, 0xFD], "compressed by zstd"), ([0xFD, 0x37, 0x7A, 0x58, 0x5A], "compressed by xz"),
        ]
        // A safetensors file begins with a length, which may equal a magic number: look for the header after it.
        guard let found = known.first(where: { head.starts(with: $0.magic) }) else { return nil }
        let isHeader = head.count > 8 && head[8] == UInt8(ascii: "{") && head[4..<8].allSatisfy { $0 == 0 }
        return isHeader ? nil : "it is \(found.what), which is not read: expected safetensors or what torch.save writes"
    }
}
