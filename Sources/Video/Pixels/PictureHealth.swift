import CKernels

/// State of a picture: one that is not `good` matches nothing.
package enum PictureHealth: String, Sendable, Codable, CaseIterable {
    case good
    /// A picture without light, as a source sends blank ones; a dark room still has levels.
    case black
    /// A picture that stays the same to the bit for longer than a live camera's: even a still scene has noise, or an
    /// encoder's refresh.
    case frozen
    /// Light, and no edge anywhere: out of focus, fogged or covered.
    case blurred
}

/// Statistics of a picture's light and edges, and its fingerprint.
package struct PictureLevels: Sendable, Equatable {
    /// 99.5 % of the pixels have no more luma than `bright`, 0.5 % less than `dark` (0 to 255).
    package let dark: Int
    package let bright: Int
    /// Share of the pixels that are lit, of which `bright` tells nothing where they are few: a lamp in the night.
    package let litShare: Double
    /// 99.5 % of the pixels differ by no more than this from the one to the left and the one above: high where there
    /// are edges.
    package let edge: Int
    /// Equal pictures have equal ones.
    package let fingerprint: UInt64

    package init(_ picture: Picture) {
        var luma = [UInt32](repeating: 0, count: 256)
        var steps = luma
        ww_picture_levels(&luma, &steps, picture.rgb, Int32(picture.side))
        dark = Self.level(luma, 0.005)
        bright = Self.level(luma, 0.995)
        litShare = Double(luma[Self.lit...].reduce(0, +)) / Double(max(1, luma.reduce(0, +)))
        edge = Self.level(steps, 0.995)
        fingerprint = ww_fingerprint(picture.rgb, picture.rgb.count)
    }

    private static func level(_ counts: [UInt32], _ share: Double) -> Int {
        let wanted = share * Double(counts.reduce(0, +))
        var sum = 0.0
        for (level, count) in counts.enumerated() {
            sum += Double(count)
            if sum >= wanted { return level }
        }
        return 255
    }
}

extension DecodedFrame {
    /// A hash of the luma as it was decoded: tells a frozen stream from a still scene that the change gate holds back.
    package var fingerprint: UInt64 {
        var planes = planes
        return ww_frame_fingerprint(&planes, Int32(width), Int32(height))
    }
}

/// Follows the pictures of one stream and says which of them are good.
///
/// A verdict takes time, so that a moment's darkness and an empty wall are nothing: a picture is called unwell once all
/// have been for as long as `Limits` says. It takes one good picture to be well again, since an event may begin with
/// it: a window is worth what its last picture is. A plain empty wall cannot be told from a covered lens, and is called
/// blurred in time.
package struct HealthMonitor: Sendable {
    /// Durations after which a state counts, in seconds of media time.
    package struct Limits: Sendable, Equatable {
        package var black = 1.0
        package var blurred = 60.0
        package var frozen = 60.0
        /// Fewest equal pictures in a row that are frozen, however far apart.
        package var frozenPictures = 4

        package init() {}
    }

    private let limits: Limits
    private var since: [PictureHealth: Double] = [:]
    private var fingerprint: UInt64?
    private var equal = 0
    private var equalSince = 0.0
    private var last: Double?
    package private(set) var health = PictureHealth.good

    package init(limits: Limits = Limits()) { self.limits = limits }

    /// Takes the next picture and says what it is worth.
    ///
    /// - Parameters: - time: of the picture, in seconds of media time; going back begins anew. - decoded:
    ///   `DecodedFrame.fingerprint`, where pictures of frames that hardly differ are given as one; the picture's own,
    ///   if nil.
    package mutating func observe(_ levels: PictureLevels, at time: Double, decoded: UInt64? = nil) -> PictureHealth {
        if let last, time < last { reset() }
        last = time
        let mark = decoded ?? levels.fingerprint
        if mark != fingerprint { (equal, equalSince) = (0, time) }
        equal += 1
        fingerprint = mark
        follow(.black, levels.isBlack, at: time)
        follow(.blurred, levels.hasNoEdges, at: time)
        let isFrozen = equal >= limits.frozenPictures && time - equalSince >= limits.frozen
        if lasts(.black, limits.black, at: time) {
            health = .black
        } else if isFrozen {
            health = .frozen
        } else {
            health = lasts(.blurred, limits.blurred, at: time) ? .blurred : .good
        }
        return health
    }

    /// Forgets the pictures before a discontinuity.
    package mutating func reset() {
        since = [:]
        fingerprint = nil
        equal = 0
        last = nil
        health = .good
    }

    private mutating func follow(_ sign: PictureHealth, _ holds: Bool, at time: Double) {
        since[sign] = holds ? since[sign] ?? time : nil
    }

    private func lasts(_ sign: PictureHealth, _ limit: Double, at time: Double) -> Bool {
        since[sign].map { time - $0 >= limit } ?? false
    }
}

extension PictureLevels {
    /// Lightest level of a picture without light: a decoder's rounding.
    private static let blackest = 1
    /// Share of the pixels that may be lit in a picture without light: defects of a sensor.
    private static let defects = 0.0005
    /// Light below which missing edges mean nothing.
    private static let lit = 24
    /// A step that an edge makes at least, in levels, and as a share of the picture's contrast.
    private static let edgeLevels = 5
    private static let edgeShare = 0.1
    /// Steps that are edges whatever the contrast.
    private static let edgeCertain = 12

    /// Whether there is no light at all.
    package var isBlack: Bool { bright <= Self.blackest && litShare <= Self.defects }

    /// Whether there is light, and nothing that is sharp.
    package var hasNoEdges: Bool {
        guard bright >= Self.lit, edge < Self.edgeCertain else { return false }
        return edge < max(Self.edgeLevels, Int(Self.edgeShare * Double(bright - dark)))
    }
}
