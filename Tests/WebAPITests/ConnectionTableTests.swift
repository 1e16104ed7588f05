import Logging
import Synchronization
import TestSupport
import Testing
import WebAPI

/// A log in memory.
private final class Lines: Sendable {
    private let lines = Mutex<[String]>([])
    var all: [String] { lines.withLock { $0 } }
    fileprivate func add(_ line: String) { lines.withLock { $0.append(line) } }
}

private struct LinesHandler: LogHandler {
    let lines: Lines
    var metadata = Logger.Metadata()
    var logLevel = Logger.Level.trace

    subscript(metadataKey key: String) -> Logger.MetadataValue? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let details = (event.metadata ?? [:]).sorted { $0.key < $1.key }.map { "\($0)=\($1)" }
        lines.add(([event.message.description] + details).joined(separator: " "))
    }
}

@Suite("Places, rates and tokens by peer")
struct ConnectionTableTests {
    private final class Connection: Sendable {
        let closed = Mutex(false)
        var isClosed: Bool { closed.withLock { $0 } }
    }

    @discardableResult
    private func add(_ connection: Connection, _ address: String, to table: ConnectionTable) -> Bool {
        table.add(ObjectIdentifier(connection), Peer(address)) { connection.closed.withLock { $0 = true } }
    }

    @Test("when there is no place, the oldest idle stranger of the largest crowd goes; who is being answered stays")
    func crowd() {
        let table = ConnectionTable(most: 10)
        let known = Connection()
        add(known, "192.0.2.1", to: table)
        table.began(ObjectIdentifier(known))
        table.letIn(ObjectIdentifier(known))
        table.answered(ObjectIdentifier(known))
        let alone = Connection()
        add(alone, "192.0.2.2", to: table)
        let crowd = (0..<100).map { _ in Connection() }
        for connection in crowd { #expect(add(connection, "192.0.2.3", to: table)) }
        // Half of the places are the most that strangers of one peer have.
        #expect(crowd.map(\.isClosed) == (0..<100).map { $0 < 95 })
        let others = (4..<50).map { ("192.0.2.\($0)", Connection()) }
        for (address, connection) in others { #expect(add(connection, address, to: table)) }
        #expect(!known.isClosed)
        #expect(others.last?.1.isClosed == false)

        // One whose request is being answered stays, whoever comes.
        let busy = Connection()
        add(busy, "192.0.2.3", to: table)
        table.began(ObjectIdentifier(busy))
        for connection in (0..<100).map({ _ in Connection() }) { add(connection, "192.0.2.3", to: table) }
        #expect(!busy.isClosed)
        table.answered(ObjectIdentifier(busy))
        for connection in (0..<10).map({ _ in Connection() }) { add(connection, "192.0.2.3", to: table) }
        #expect(busy.isClosed)
    }

    @Test("where all are being answered there are a few places more, and then none")
    func reserve() {
        let table = ConnectionTable(most: 10)
        let all = (0..<100).map { _ in Connection() }
        let taken = all.map { connection in
            let isIn = add(connection, "192.0.2.1", to: table)
            table.began(ObjectIdentifier(connection))
            return isIn
        }
        #expect(taken == (0..<100).map { $0 < 74 })
        let closed = all.filter(\.isClosed)
        #expect(closed.isEmpty)
        table.remove(ObjectIdentifier(all[0]))
        let next = Connection()
        #expect(add(next, "192.0.2.2", to: table))
    }

    @Test("an address of IPv6 counts by its first 64 bits, and one of IPv4 is the same however it is written")
    func peers() {
        #expect(Peer("2001:db8:0:1:2:3:4:5") == Peer("2001:db8:0:1::9"))
        #expect(Peer("2001:db8:0:1::9").description == "2001:db8:0:1::/64")
        #expect(Peer("2001:db8:0:2::9") != Peer("2001:db8:0:1::9"))
        #expect(Peer("::ffff:192.0.2.1") == Peer("192.0.2.1"))
        #expect(Peer("::1").isLoopback && Peer("127.0.0.2").isLoopback && !Peer("192.0.2.1").isLoopback)
    }

    private struct Wrong: Error {}

    /// The status for a token from an address: 200, 401 or 429.
    private func status(_ doorman: Doorman, _ address: String, right: Bool, at now: ContinuousClock.Instant) -> Int {
        do {
            try doorman.check(Peer(address), given: "x", at: now) {
                if !right { throw Refusal(401, "unauthorized", "wrong") }
            }
            return 200
        } catch {
            return (error as? Refusal)?.status ?? 0
        }
    }

    @Test("wrong tokens are logged with count and address, and after ten none is looked at for a while that grows")
    func wrongTokens() {
        let lines = Lines()
        let doorman = Doorman(rate: 1, logger: Logger(label: "t", factory: { _ in LinesHandler(lines: lines) }))
        var now = ContinuousClock.now
        let answers = (0..<300).map { _ in status(doorman, "192.0.2.1", right: false, at: now) }
        #expect(answers == (0..<300).map { $0 < 11 ? 401 : 429 })
        #expect(
            lines.all == ["1", "10", "100"].map { "wrong tokens of http address=192.0.2.1 times=\($0)" })
        // Not even the right one is looked at; from elsewhere it is.
        #expect(status(doorman, "192.0.2.1", right: true, at: now) == 429)
        #expect(status(doorman, "192.0.2.2", right: true, at: now) == 200)
        // Each time that it is looked at again costs more.
        var pauses: [Duration] = []
        for _ in 0..<8 {
            var wait = Duration.zero
            while status(doorman, "192.0.2.1", right: false, at: now + wait) == 429 { wait += .milliseconds(500) }
            pauses.append(wait)
            now += wait
        }
        #expect(pauses.last == .seconds(60) && zip(pauses, pauses.dropFirst()).allSatisfy { $0 <= $1 }, "\(pauses)")
        #expect(status(doorman, "192.0.2.1", right: true, at: now + .seconds(61)) == 200)
    }

    @Test("a client with the right token is not kept out by another of the same address")
    func sharedAddress() {
        let now = ContinuousClock.now
        for (address, comesFirst) in [("127.0.0.1", false), ("::1", false), ("192.0.2.9", true)] {
            let doorman = Doorman(rate: 1, logger: Logger(label: "t", factory: { _ in SwiftLogNoOpLogHandler() }))
            if comesFirst { #expect(status(doorman, address, right: true, at: now) == 200) }
            let answers = (0..<50).map { _ in status(doorman, address, right: false, at: now) }
            #expect(answers.last == 429 && status(doorman, address, right: true, at: now) == 200, "\(address)")
        }
    }

    @Test("a right token lifts the pause of its address for ten minutes, and the next one for ten more")
    func rightTokenIsForgotten() {
        let doorman = Doorman(rate: 1, logger: Logger(label: "t", factory: { _ in SwiftLogNoOpLogHandler() }))
        let start = ContinuousClock.now
        func blocks(_ seconds: Int) -> Bool {
            let answers = (0..<50).map { _ in
                status(doorman, "192.0.2.9", right: false, at: start + .seconds(seconds))
            }
            return answers.last == 429
        }
        func right(_ seconds: Int) -> Int { status(doorman, "192.0.2.9", right: true, at: start + .seconds(seconds)) }
        #expect(right(0) == 200 && right(599) == 200)
        #expect(blocks(1198) && right(1198) == 200)
        // 600 s after the last right token.
        #expect(blocks(1798) && right(1798) == 429)
    }

    @Test("a client that keeps sending the right token stays known when the table is full")
    func knownClientsStay() {
        var wrong = WrongTokens()
        let start = ContinuousClock.now
        for second in stride(from: 0, through: 700, by: 100) { wrong.right("regular", at: start + .seconds(second)) }
        for index in 0..<5000 { _ = wrong.wrong("peer \(index)", at: start + .seconds(701)) }
        #expect(wrong.isKnown("regular", at: start + .seconds(702)))
        #expect(!wrong.isKnown("regular", at: start + .seconds(1300)))
        // The crowd is forgotten at the next right token, so that its client finds place.
        wrong.right("later", at: start + .seconds(1400))
        #expect(wrong.isKnown("later", at: start + .seconds(1400)))
    }

    @Test("a crowd of addresses fills no memory: beyond a bound they share one tally")
    func manyAddresses() {
        var wrong = WrongTokens()
        let now = ContinuousClock.now
        for index in 0..<10_000 { _ = wrong.wrong("peer \(index)", at: now) }
        #expect(wrong.wrong("another", at: now) > 1000)
        #expect(wrong.pause(of: "one that never came", at: now) != nil)
        // When the crowd is forgotten, there is place again.
        #expect(wrong.wrong("later", at: now + .seconds(700)) == 1)
    }
}
