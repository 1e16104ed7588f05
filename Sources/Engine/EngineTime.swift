/// The processor time of the scoring engine's thread in nanoseconds: `encode` for embedding frames, `all` for
/// everything.
package struct EngineTime: Sendable {
    package private(set) var encode: UInt64 = 0
    package private(set) var all: UInt64 = 0

    mutating func add(encode: UInt64, all: UInt64) {
        self.encode += encode
        self.all += all
    }
}
