import Digests
import Foundation
import Testing

@Suite("Digests")
struct DigestTests {
    @Test("agree with the published examples")
    func examples() {
        for (algorithm, text, digest) in [
            (Digest.Algorithm.sha256, "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (.sha256, "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            (.sha1, "abc", "a9993e364706816aba3e25717850c26c9cd0d89d"),
        ] {
            let found = Digest(algorithm)
            found.update(Array(text.utf8))
            #expect(found.hexadecimal == digest)
        }
    }

    @Test("of a file are those of its bytes in one piece, whatever is hashed before them")
    func file() throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "digest-\(UUID())")
        defer { try? FileManager.default.removeItem(at: file) }
        let bytes = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        try Data(bytes).write(to: file)
        let (whole, prefixed) = (Digest(.sha256), Digest(.sha1))
        whole.update(bytes)
        prefixed.update(Array("blob \(bytes.count)\0".utf8))
        prefixed.update(bytes)
        #expect(try Digest.of(file: file.path) == whole.hexadecimal)
        #expect(try Digest.of(file: file.path, .sha1, prefix: "blob \(bytes.count)\0") == prefixed.hexadecimal)
        #expect(throws: (any Error).self) { try Digest.of(file: "/no/such/file") }
    }
}
