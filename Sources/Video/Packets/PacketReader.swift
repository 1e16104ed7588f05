/// From the bytes of an RTSP connection to coded units with their times.
package struct PacketReader {
    /// The stream as its description has it.
    package struct Stream: Sendable {
        package var coding: VideoCoding
        package var payloadType: Int
        package var channel: UInt8
        package var clockRate: UInt32
        package var sets: [[UInt8]]

        package init(coding: VideoCoding, payloadType: Int, channel: UInt8, clockRate: UInt32, sets: [[UInt8]] = []) {
            (self.coding, self.payloadType, self.channel) = (coding, payloadType, channel)
            (self.clockRate, self.sets) = (clockRate, sets)
        }
    }

    package enum Event: Equatable {
        /// A unit, with its time in nanoseconds.
        case unit([UInt8], time: UInt64?, isKey: Bool)
        /// A unit that was not made of its packets.
        case leftOut(time: UInt64?)
        /// A request of the server's, to be answered.
        case request(sequence: String)
        /// Packets of a kind that this cannot take apart.
        case unknown
    }

    /// Packets of one stream that are behind by less are old or double; by more, the numbers begin anew.
    private static let maxMisorder = 100
    /// Units in a row that are left out without a keyframe: then the decoder's parser must tell what is one.
    private static let maxLeftOut = 250

    private let stream: Stream
    private var connection = ConnectionBytes()
    private var assembler: UnitAssembler
    private var clock: SenderClock
    private var expected: UInt16?
    private var stamp: UInt32?
    private var leftOut = 0
    private var waiting: [Event] = []
    /// Packets that never came, by their numbers.
    package private(set) var lostPackets: UInt64 = 0

    package init(_ stream: Stream, delay: UInt64 = 200_000_000) {
        self.stream = stream
        assembler = UnitAssembler(stream.coding, sets: stream.sets)
        clock = SenderClock(rate: stream.clockRate, delay: delay)
    }

    /// Reads more bytes: `ConnectionBytes.read`.
    package mutating func read(_ body: (UnsafeMutableRawBufferPointer) -> Int) -> Int { connection.read(body) }

    /// The next event; nil if more must be read for it.
    ///
    /// `arrival`: when the bytes came, in nanoseconds, nil where that is not known; `drops`: whether units that need
    /// others are left out now, asked once for each.
    package mutating func next(
        arrival: UInt64?, drops: () -> Bool
    ) throws(ConnectionBytes.Broken) -> Event? {
        while waiting.isEmpty {
            switch try connection.next() {
            case nil: return nil
            case .answer: continue
            case .request(let sequence): return .request(sequence: sequence)
            case .packet(let channel, let range):
                if channel == stream.channel { take(range, arrival, drops) }
            }
        }
        return waiting.removeFirst()
    }

    private mutating func take(_ range: Range<Int>, _ arrival: UInt64?, _ drops: () -> Bool) {
        guard let packet = RTPPacket(connection.bytes, range), packet.payloadType == stream.payloadType else { return }
        var hasGap = false
        if let expected, packet.sequence != expected {
            let ahead = Int(Int16(bitPattern: packet.sequence &- expected))
            if ahead < 0, ahead > -Self.maxMisorder { return }
            hasGap = true
            lostPackets &+= UInt64(max(ahead, 0))
            assembler.lose()
        }
        expected = packet.sequence &+ 1
        if packet.time != stamp {
            stamp = packet.time
            assembler.begin(at: clock.time(packet.time, arrival: arrival, hasGap: hasGap))
        }
        let isTired = leftOut >= Self.maxLeftOut
        let isKnown = assembler.take(connection.bytes[packet.payload], isLast: packet.isMarked) { !isTired && drops() }
        if !isKnown { waiting.append(.unknown) }
        guard !assembler.finished.isEmpty else { return }
        for unit in assembler.takeFinished() { finish(unit) }
    }

    private mutating func finish(_ unit: UnitAssembler.Unit) {
        if unit.isKey, !unit.isLeftOut { leftOut = 0 }
        guard unit.isLeftOut else { return waiting.append(.unit(unit.bytes, time: unit.time, isKey: unit.isKey)) }
        leftOut += 1
        waiting.append(.leftOut(time: unit.time))
    }
}
