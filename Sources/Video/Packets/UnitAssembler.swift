/// Makes coded units of RTP packets: H.264 (RFC 6184, without interleaving) and H.265 (RFC 7798).
///
/// A unit is what packets of one time stamp hold, each piece behind a start code. Units that nobody wants are not made.
struct UnitAssembler {
    /// A unit as its last packet leaves it.
    struct Unit: Equatable {
        var bytes: [UInt8]
        var time: UInt64?
        var isKey: Bool
        /// Whether it was left out, so that it has no bytes.
        var isLeftOut: Bool
    }

    /// The most bytes of a unit; more is left out.
    static let maxBytes = 1 << 24
    static let maxSets = 32
    static let maxSetBytes = 1 << 14
    /// The most bytes of all sets, which stand before each keyframe that brings none.
    static let maxSetsBytes = 1 << 16

    private let coding: VideoCoding
    /// Parameters by kind and number, in the order in which they first came.
    private var sets: [(key: UInt16, bytes: [UInt8])] = []
    private(set) var finished: [Unit] = []

    // The unit that is being made.
    private var bytes: [UInt8] = []
    private var time: UInt64?
    private var hasPicture = false
    private var hasSets = false
    private var isKey = false
    private var isLeftOut = false
    /// The offset at which a fragmented piece begins; nil between pieces, and if its beginning is lost.
    private var fragment: Int?
    private var fragmentIsLeftOut = false

    /// Whether no unit has been given yet: the first gets the parameters, whatever it is.
    private var isFirst = true
    /// Whether the stream marks its units' ends; otherwise pictures' beginnings are looked at.
    private var isMarked = false

    init(_ coding: VideoCoding, sets: [[UInt8]]) {
        self.coding = coding
        for set in sets where set.count > coding.head { learn(set[...]) }
    }

    mutating func takeFinished() -> [Unit] {
        defer { finished = [] }
        return finished
    }

    // MARK: Packets

    /// Ends the unit, since the next packet has another time stamp; what has no picture yet belongs to the next.
    mutating func begin(at next: UInt64?) {
        dropFragment()
        if hasPicture { end() }
        time = next
    }

    /// Packets are missing here.
    mutating func lose() { dropFragment() }

    /// Takes a packet's payload; false for what is of neither coding's plain kinds.
    ///
    /// `isLast`: the packet is marked as its unit's last; `drops` is asked whether units that need others are left out.
    mutating func take(_ payload: ArraySlice<UInt8>, isLast: Bool, drops: () -> Bool) -> Bool {
        isMarked = isMarked || isLast
        defer { if isLast, hasPicture { end() } }
        guard payload.count > coding.head, let first = payload.first else { return true }
        switch (coding, coding.kind(first)) {
        case (.h264, 28), (.h265, 49): takeFragment(payload, drops)
        case (.h264, 24), (.h265, 48): takeSeveral(payload, drops)
        case (.h264, 25...31), (.h265, 50): return false
        default:
            dropFragment()
            takePiece(payload, drops)
        }
        return true
    }

    /// Several whole pieces, each behind its length.
    private mutating func takeSeveral(_ payload: ArraySlice<UInt8>, _ drops: () -> Bool) {
        dropFragment()
        var rest = payload.dropFirst(coding.head)
        // They are of one unit; a packet may end the one before.
        while rest.count > 2, finished.count < 2 {
            let count = Int(rest[rest.startIndex]) << 8 | Int(rest[rest.startIndex + 1])
            rest = rest.dropFirst(2)
            guard count <= rest.count else { return }
            let piece = rest.prefix(count)
            if count > coding.head { takePiece(piece, drops) }
            rest = rest.dropFirst(count)
        }
    }

    /// A part of a piece.
    private mutating func takeFragment(_ payload: ArraySlice<UInt8>, _ drops: () -> Bool) {
        let at = payload.startIndex + coding.head
        let flags = payload[at]
        let part = payload[(at + 1)...]
        if flags & 0x80 != 0 {
            dropFragment()
            let first = payload[payload.startIndex]
            let head =
                coding == .h264
                ? [first & 0xE0 | flags & 0x1F]
                : [first & 0x81 | (flags & 0x3F) << 1, payload[payload.startIndex + 1]]
            look(coding.kind(head[0]), part, drops)
            fragment = bytes.count
            fragmentIsLeftOut = isLeftOut
            if !isLeftOut { append(head[...]) }
        } else if fragment == nil {
            return
        }
        if !fragmentIsLeftOut { bytes.append(contentsOf: part) }
        if flags & 0x40 != 0 {
            if let fragment, !fragmentIsLeftOut { learnIfParameters(bytes[(fragment + 4)...]) }
            fragment = nil
        }
        limit()
    }

    /// A whole piece.
    private mutating func takePiece(_ piece: ArraySlice<UInt8>, _ drops: () -> Bool) {
        guard let first = piece.first else { return }
        learnIfParameters(piece)
        look(coding.kind(first), piece.dropFirst(coding.head), drops)
        guard !isLeftOut else { return }
        append(piece)
        limit()
    }

    private mutating func append(_ piece: ArraySlice<UInt8>) {
        bytes.append(contentsOf: Self.startCode)
        bytes.append(contentsOf: piece)
    }

    private static let startCode: [UInt8] = [0, 0, 0, 1]

    private mutating func dropFragment() {
        if let fragment, !fragmentIsLeftOut { bytes.removeSubrange(fragment...) }
        fragment = nil
    }

    private mutating func limit() {
        guard bytes.count > Self.maxBytes else { return }
        fragment = nil
        isLeftOut = true
        bytes = []
    }

    // MARK: Units

    /// Looks at the beginning of a piece: what the unit is, and whether another has begun.
    private mutating func look(_ kind: UInt8, _ holds: ArraySlice<UInt8>, _ drops: () -> Bool) {
        if coding.isSequenceParameters(kind) { hasSets = true }
        guard coding.isPicture(kind) else {
            isKey = isKey || coding.isRecoveryPoint(kind, holds)
            return
        }
        if hasPicture, !isMarked, coding.beginsPicture(holds) { end() }
        isKey = isKey || coding.isKey(kind, holds)
        guard !hasPicture else { return }
        hasPicture = true
        if !isKey, drops() {
            isLeftOut = true
            bytes.removeAll(keepingCapacity: true)
            return
        }
        if (isKey || isFirst) && !hasSets {
            bytes.insert(contentsOf: sets.flatMap { Self.startCode + $0.bytes }, at: 0)
        }
        isFirst = false
    }

    private mutating func end() {
        finished.append(Unit(bytes: isLeftOut ? [] : bytes, time: time, isKey: isKey, isLeftOut: isLeftOut))
        let size = bytes.count
        if isLeftOut {
            bytes.removeAll(keepingCapacity: true)
        } else {
            bytes = []
            // The next is about as large, unless this was a keyframe.
            if !isKey { bytes.reserveCapacity(size) }
        }
        (hasPicture, hasSets, isKey, isLeftOut, fragment) = (false, false, false, false, nil)
    }

    // MARK: Parameters

    private mutating func learnIfParameters(_ piece: ArraySlice<UInt8>) {
        guard let first = piece.first, coding.isParameters(coding.kind(first)) else { return }
        learn(piece)
    }

    private mutating func learn(_ set: ArraySlice<UInt8>) {
        guard let first = set.first, set.count <= Self.maxSetBytes else { return }
        let kind = coding.kind(first)
        let isPicture = kind == (coding == .h264 ? 8 : 34)
        var bits = BitReader(set.dropFirst(coding.head))
        let number = isPicture ? bits.number() ?? 0 : 0
        let key = UInt16(kind) << 8 | UInt16(truncatingIfNeeded: number & 0xFF)
        let others = sets.reduce(0) { $0 + ($1.key == key ? 0 : $1.bytes.count) }
        guard others + set.count <= Self.maxSetsBytes else { return }
        if let place = sets.firstIndex(where: { $0.key == key }) {
            if !sets[place].bytes.elementsEqual(set) { sets[place].bytes = Array(set) }
        } else if sets.count < Self.maxSets {
            sets.append((key, Array(set)))
        }
    }
}
