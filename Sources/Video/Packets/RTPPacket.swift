/// The header of one RTP packet (RFC 3550), and the range of its payload in the receive buffer.
package struct RTPPacket: Equatable {
    package let isMarked: Bool
    package let payloadType: Int
    package let sequence: UInt16
    package let time: UInt32
    package let payload: Range<Int>

    /// Parses the RTP packet in `range` of `bytes`; nil if it is no valid RTP packet.
    package init?(_ bytes: borrowing [UInt8], _ range: Range<Int>) {
        let at = range.lowerBound
        guard range.count >= 12, bytes[at] >> 6 == 2 else { return nil }
        // RTCP packets, which some cameras send on the RTP channel.
        guard !(200...204).contains(bytes[at + 1]) else { return nil }
        isMarked = bytes[at + 1] & 0x80 != 0
        payloadType = Int(bytes[at + 1] & 0x7F)
        sequence = UInt16(bytes[at + 2]) << 8 | UInt16(bytes[at + 3])
        time = bytes[(at + 4)..<(at + 8)].reduce(0) { $0 << 8 | UInt32($1) }
        var from = at + 12 + 4 * Int(bytes[at] & 0x0F)
        var until = range.upperBound
        if bytes[at] & 0x10 != 0 {
            guard from + 4 <= until else { return nil }
            from += 4 + 4 * (Int(bytes[from + 2]) << 8 | Int(bytes[from + 3]))
        }
        if bytes[at] & 0x20 != 0 {
            guard from < until else { return nil }
            until -= Int(bytes[until - 1])
        }
        guard from < until else { return nil }
        payload = from..<until
    }
}
