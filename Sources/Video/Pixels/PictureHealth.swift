import CKernels

/// The health of a stream's picture; a picture that is not `good` is not matched with any query.
package enum PictureHealth: String, Sendable, Codable, CaseIterable {
    case good
    /// A picture without any light, as a source without signal sends; a dark room still has some levels.
    case black
    /// A picture that stays identical for longer than a live camera's picture can.
    ///
    /// Even a still scene changes by noise, or by the encoder's refresh.
    case frozen
    /// A picture with light but without any edge: out of focus, fogged or covered.
    case blurred
}

/// Statistics of a picture's light and edges, with a hash of its pixels.
package struct PictureLevels: Sendable, Equatable {
    /// The 0.5 % quantile of luma (0 to 255); `bright` is the 99.5 % quantile.
    package let dark: Int
    package let bright: Int
    /// The share of pixels with luma of 24 or more; a few of them, such as a lamp at night, do not show in `bright`.
    package let litShare: Double
    /// The 99.5 % quantile of the luma differences between neighbouring pixels, which is high if there are edges.
    package let edge: Int
    /// A hash of all pixels, which is the same for equal pictures.
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
    /// A hash of the decoded luma samples, by which a frozen stream differs from a scene that hardly changes.
    package var fingerprint: UInt64 {
        var planes = planes
        return ww_frame_fingerprint(&planes, Int32(width), Int32(height))
    }
}

/// Judges the health of one stream's pictures, one after the other.
///
/// A bad state counts only after all pictures have been in it for as long as `Limits` says, so that a moment of
/// darkness does not. One good picture ends it, since an event may begin with that picture. A plain empty wall cannot
/// be distinguished from a covered lens, and counts as blurred after a while.
package struct HealthMonitor: Sendable {
    /// The durations after which a bad state of the picture counts, in seconds of media time.
    package struct Limits: Sendable, Equatable {
        package var black = 1.0
        package var blurred = 60.0
        package var frozen = 60.0
        /// The least number of consecutive equal pictures that count as frozen, however far apart they are.
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

    /// Judges the stream's next picture, and returns its health.
    ///
    /// `time` is in seconds of media time; if it goes back, all earlier pictures are forgotten. `decoded` is
    /// `DecodedFrame.fingerprint`, for streams in which nearly equal frames share a picture; nil means the picture's
    /// own fingerprint.
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

    /// Forgets all earlier pictures, as after a discontinuity of the stream.
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
    /// The highest luma in a picture without light; it is not 0, because decoders round.
    private static let blackest = 1
    /// The share of pixels that may be lit in a picture without light, because of defects of the sensor.
    private static let defects = 0.0005
    /// The luma below which a pixel counts as dark; a picture that is darker everywhere is not called blurred.
    private static let lit = 24
    /// The least luma difference of an edge; `edgeShare` is its least share of the picture's contrast.
    private static let edgeLevels = 5
    private static let edgeShare = 0.1
    /// The luma difference that counts as an edge whatever the picture's contrast.
    private static let edgeCertain = 12

    /// True if the picture has no light at all.
    package var isBlack: Bool { bright <= Self.blackest && litShare <= Self.defects }

    /// True if the picture has light, but no edge: it is blurred, fogged or covered.
    package var hasNoEdges: Bool {
        guard bright >= Self.lit, edge < Self.edgeCertain else { return false }
        return edge < max(Self.edgeLevels, Int(Self.edgeShare * Double(bright - dark)))
    }
}
