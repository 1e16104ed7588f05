import SystemSupport
import Testing

@Suite("Rules of names")
struct IdentifierTests {
    private static let long = String(repeating: "a", count: 64)

    @Test(
        "names have letters, digits, hyphens and underscores; events letters and digits; heads begin with a small letter",
        arguments: [
            ("lobby", true, true, true), ("Lobby-2_b", true, false, false), ("a-1", true, false, true),
            ("9a", true, true, false), ("-a", true, false, false), ("", false, false, false),
            ("a.b", false, false, false), ("a/b", false, false, false), ("a b", false, false, false),
            ("é", false, false, false), ("a\n", false, false, false), ("a\0", false, false, false),
            (long, true, true, true), (long + "a", false, false, true), ("mean", true, true, true),
        ])
    func rules(text: String, isName: Bool, isEvent: Bool, isHead: Bool) {
        #expect(Identifier.isName(text) == isName)
        #expect(Identifier.isEvent(text) == isEvent)
        #expect(Identifier.isHead(text) == isHead)
    }

    @Test("of all bytes, 64 may be in a name: 52 letters, ten digits, a hyphen, an underscore")
    func bytes() {
        let allowed = (UInt8.min...UInt8.max).filter(Identifier.isNamed)
        #expect(allowed.count == 64)
        #expect(
            String(decoding: allowed, as: UTF8.self)
                == "-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz")
    }
}
