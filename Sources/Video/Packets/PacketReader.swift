/// Turns the bytes of an RTSP connection into a video stream's coded pictures, with their times.
package struct PacketReader {
    /// The RTP parameters of the one video stream that is read, as the server's SDP describes it.
    package struct Stream: Sendable {
        package var coding: NALSyntax
        package var payloadType: Int
        package var channel: UInt8
        package var clockRate: UInt32
        package var sets: [[UInt8]]

        package init(coding: NALSyntax, payloadType: Int, channel: UInt8, clockRate: UInt32, sets: [[UInt8]] = []) {
            (self.coding, self.payloadType, self.channel) = (coding, payloadType, channel)
            (self.clockRate, self.sets) = (clockRate, sets)
        }
    }

    package enum Event: Equatable {
        /// A coded picture in byte-stream format (with start codes), and its time in nanoseconds if known.
        case unit([UInt8], time: UInt64?, isKey: Bool)
        /// A coded picture whose bytes were discarded, because the caller asked for that or because it was too large.
        case leftOut(time: UInt64?)
        /// A request of the server, which must be answered with this `CSeq` number.
        case request(sequence: String)
        /// An RTP packet of a payload format that is not supported, such as interleaved H.264.
        case unknown
    }

    /// A packet whose sequence number is behind the expected one by less than this is dropped as late or duplicate.
    ///
    /// A number that is further behind means that the sender has restarted its numbering.
    private static let maxMisorder = 100
    /// After this many discarded pictures in a row without a keyframe, no more coded pictures are discarded.
    ///
    /// GStreamer's parser then decides which pictures are keyframes.
    private static let maxLeftOut = 250

    private let stream: Stream
    private var connection = ConnectionBytes()
    private var assembler: UnitAssembler
    private var clock: SenderClock
    private var expected: UInt16?
    private var stamp: UInt32?
    private var leftOut = 0
    private var waiting: [Event] = []
    /// The number of RTP packets that never arrived, counted by gaps in their sequence numbers.
    package private(set) var lostPackets: UInt64 = 0

    package init(_ stream: Stream, delay: UInt64 = 200_000_000) {
        self.stream = stream
        assembler = UnitAssembler(stream.coding, sets: stream.sets)
        clock = SenderClock(rate: stream.clockRate, delay: delay)
    }

    /// Lets `body` write received bytes into the buffer, and returns its result, as `ConnectionBytes.read` does.
    package mutating func read(_ body: (UnsafeMutableRawBufferPointer) -> Int) -> Int { connection.read(body) }

    /// Returns the next event of the connection; nil if more bytes must be read first.
    ///
    /// `arrival` is the time at which the bytes arrived, in nanoseconds, or nil if unknown. `drops` is called once for
    /// each coded picture that is no keyframe; if it returns true, the picture's bytes are discarded.
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
