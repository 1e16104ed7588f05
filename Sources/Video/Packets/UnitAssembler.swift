/// Assembles RTP packets into coded pictures: H.264 (RFC 6184, without interleaving) and H.265 (RFC 7798).
///
/// A unit is one picture: the NAL units of all packets with one time stamp, each after a start code. The bytes of
/// units that the caller does not want are discarded.
struct UnitAssembler {
    /// A complete unit: all data of one coded picture, or only its time if the data was discarded.
    struct Unit: Equatable {
        var bytes: [UInt8]
        var time: UInt64?
        var isKey: Bool
        /// True if the coded picture's data was discarded, so that `bytes` is empty.
        var isLeftOut: Bool
    }

    /// The most bytes of one coded picture; a larger one is discarded.
    static let maxBytes = 1 << 24
    static let maxSets = 32
    static let maxSetBytes = 1 << 14
    /// The most bytes of all parameter sets (VPS, SPS, PPS) together, which are put before a keyframe without its own.
    static let maxSetsBytes = 1 << 16

    private let coding: NALSyntax
    /// The stream's parameter sets (VPS, SPS, PPS), keyed by NAL unit type and number, in order of first arrival.
    private var sets: [(key: UInt16, bytes: [UInt8])] = []
    private(set) var finished: [Unit] = []

    // The state of the coded picture that is being assembled.
    private var bytes: [UInt8] = []
    private var time: UInt64?
    private var hasPicture = false
    private var hasSets = false
    private var isKey = false
    private var isLeftOut = false
    /// The offset in `bytes` of the NAL unit that arrives in fragments; nil if none does, or its beginning is lost.
    private var fragment: Int?
    private var fragmentIsLeftOut = false

    /// True until a first picture is kept: parameter sets are put before that one even if it is no keyframe.
    private var isFirst = true
    /// True once a packet had RTP's marker bit, which ends a picture; until then slice headers show picture starts.
    private var isMarked = false

    init(_ coding: NALSyntax, sets: [[UInt8]]) {
        self.coding = coding
        for set in sets where set.count > coding.headerLength { learn(set[...]) }
    }

    mutating func takeFinished() -> [Unit] {
        defer { finished = [] }
        return finished
    }

    // MARK: Packets

    /// Ends the current coded picture, because the next packet has another time stamp; `next` is that packet's time.
    ///
    /// NAL units that came before any picture data, such as parameter sets, are kept for the next picture.
    mutating func begin(at next: UInt64?) {
        dropFragment()
        if hasPicture { end() }
        time = next
    }

    /// Discards the NAL unit that is arriving in fragments, because packets are missing at this point.
    mutating func lose() { dropFragment() }

    /// Adds the payload of an RTP packet; returns false if its format is not supported (such as interleaved H.264).
    ///
    /// `isLast` is RTP's marker bit: the packet ends a picture. `drops` is called once for each picture that is no
    /// keyframe; if it returns true, the picture is discarded.
    mutating func take(_ payload: ArraySlice<UInt8>, isLast: Bool, drops: () -> Bool) -> Bool {
        isMarked = isMarked || isLast
        defer { if isLast, hasPicture { end() } }
        guard payload.count > coding.headerLength, let first = payload.first else { return true }
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

    /// Adds an aggregation packet: several complete NAL units, each after its length.
    private mutating func takeSeveral(_ payload: ArraySlice<UInt8>, _ drops: () -> Bool) {
        dropFragment()
        var rest = payload.dropFirst(coding.headerLength)
        // One packet holds NAL units of one picture, and may also end the picture before it.
        while rest.count > 2, finished.count < 2 {
            let count = Int(rest[rest.startIndex]) << 8 | Int(rest[rest.startIndex + 1])
            rest = rest.dropFirst(2)
            guard count <= rest.count else { return }
            let piece = rest.prefix(count)
            if count > coding.headerLength { takePiece(piece, drops) }
            rest = rest.dropFirst(count)
        }
    }

    /// Adds a fragmentation packet, which holds a part of one NAL unit.
    private mutating func takeFragment(_ payload: ArraySlice<UInt8>, _ drops: () -> Bool) {
        let at = payload.startIndex + coding.headerLength
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

    /// Adds one complete NAL unit to the current picture.
    private mutating func takePiece(_ piece: ArraySlice<UInt8>, _ drops: () -> Bool) {
        guard let first = piece.first else { return }
        learnIfParameters(piece)
        look(coding.kind(first), piece.dropFirst(coding.headerLength), drops)
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

    /// Examines the beginning of a NAL unit, to begin a new picture and to find out whether it is a keyframe.
    ///
    /// `kind` is the NAL unit's type, and `holds` its bytes after the header. `drops` is called for a picture that is
    /// no keyframe; if it returns true, the picture is discarded.
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
            // The next picture is about as large, unless this one was a keyframe.
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
        var bits = BitReader(set.dropFirst(coding.headerLength))
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
