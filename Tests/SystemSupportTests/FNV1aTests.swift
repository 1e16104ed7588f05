import SystemSupport
import Testing

@Suite("FNV-1a")
struct FNV1aTests {
    @Test(
        "hashes are those of the authors' own test vectors (draft-eastlake-fnv, appendix)",
        arguments: [
            ("", 0xCBF2_9CE4_8422_2325), ("a", 0xAF63_DC4C_8601_EC8C), ("foobar", 0x8594_4171_F739_67E8),
        ] as [(String, UInt64)])
    func vectors(text: String, hash: UInt64) {
        #expect(FNV1a(text.utf8).hash == hash)
        var mixed = FNV1a()
        for byte in text.utf8 { mixed.mix(byte) }
        #expect(mixed.hash == hash)
    }

    @Test("digits join both halves, with leading zeros")
    func digits() {
        // 0x85944171 ^ 0xF73967E8 = 0x72AD2699
        #expect(FNV1a("foobar".utf8).digits == "72ad2699")
        #expect(FNV1a().digits == "4fd0bfc1")
    }
}
